#include <tarmac/core/cache_registry.h>

namespace tarmac {

CacheRegistry& CacheRegistry::instance() {
  static CacheRegistry registry;
  return registry;
}

bool CacheRegistry::contains(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  return caches_.find(name) != caches_.end();
}

std::vector<std::string> CacheRegistry::names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> result;
  for (const auto& [name, cache] : caches_) result.push_back(name);
  return result;
}

bool CacheRegistry::remove(std::string_view name) {
  std::unique_ptr<CacheBase> removed;  // Destroyed without the lock: it may flush to a store.
  const std::lock_guard lock(mutex_);
  const auto found = caches_.find(name);
  if (found == caches_.end()) return false;
  removed = std::move(found->second);
  caches_.erase(found);
  return true;
}

}  // namespace tarmac
