// The process-wide caches, by name.
#pragma once

#include <tarmac/core/cache_manager.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac {

/// Shares caches by name between parts of a program that do not know each other.
///
/// - Ownership: the registry owns its caches until remove() or the end of the process.
/// - Thread-safety: all members may be called from any thread.
class CacheRegistry {
 public:
  /// The one registry of the process.
  [[nodiscard]] static CacheRegistry& instance();

  /// Makes a cache under `options.name`. Throws UsageError if that name is taken.
  template <class K, class V>
  CacheManager<K, V>& create(CacheOptions options) {
    const std::lock_guard lock(mutex_);
    if (caches_.find(options.name) != caches_.end()) {
      throw UsageError("there is already a cache \"" + options.name +
                       "\"; get it, or choose another name");
    }
    return make<K, V>(std::move(options));
  }

  /// The cache called `name`, made with the default options if there is none yet. Throws UsageError
  /// if it has other types of key or value.
  template <class K, class V>
  [[nodiscard]] CacheManager<K, V>& get(std::string_view name) {
    const std::lock_guard lock(mutex_);
    const auto found = caches_.find(name);
    if (found == caches_.end()) {
      CacheOptions options;
      options.name = std::string(name);
      return make<K, V>(std::move(options));
    }
    auto* cache = dynamic_cast<CacheManager<K, V>*>(found->second.get());
    if (cache == nullptr) {
      throw UsageError("cache \"" + std::string(name) +
                       "\" has other types of key and value than it was asked for");
    }
    return *cache;
  }

  [[nodiscard]] bool contains(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names() const;
  /// Destroys the cache; no reference to it may be used any more. False if there is none.
  bool remove(std::string_view name);

 private:
  CacheRegistry() = default;

  template <class K, class V>
  CacheManager<K, V>& make(CacheOptions options) {
    auto made = std::make_unique<CacheManager<K, V>>(std::move(options));
    auto& cache = *made;
    caches_.emplace(cache.name(), std::move(made));
    return cache;
  }

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<CacheBase>, std::less<>> caches_;
};

}  // namespace tarmac
