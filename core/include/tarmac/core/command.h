// Commands: changes as objects, which a cache executes, takes back and repeats.
#pragma once

#include <tarmac/core/cache_options.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tarmac {

/// Sets a key, as CacheManager::set() does.
template <class K, class V>
struct SetCommand {
  SetCommand(K k, V v, SetOptions o = {}) : key(std::move(k)), value(std::move(v)), options(o) {}

  K key;
  V value;
  SetOptions options;
};
template <class V>
SetCommand(const char*, V) -> SetCommand<std::string, V>;
template <class V>
SetCommand(const char*, V, SetOptions) -> SetCommand<std::string, V>;
template <class K>
SetCommand(K, const char*) -> SetCommand<K, std::string>;
template <class K>
SetCommand(K, const char*, SetOptions) -> SetCommand<K, std::string>;
SetCommand(const char*, const char*)->SetCommand<std::string, std::string>;
SetCommand(const char*, const char*, SetOptions)->SetCommand<std::string, std::string>;

/// Removes a key, as CacheManager::erase() does.
template <class K>
struct DeleteCommand {
  explicit DeleteCommand(K k) : key(std::move(k)) {}

  K key;
};
DeleteCommand(const char*)->DeleteCommand<std::string>;

/// Several commands that are executed, undone and redone as one: if one fails, those before it are
/// taken back.
template <class K, class V>
class MacroCommand {
 public:
  /// One command, in the types of the cache. No value: the key is to be removed.
  struct Step {
    K key;
    std::optional<V> value;
    SetOptions options;
  };

  MacroCommand() = default;

  template <class OtherK, class OtherV>
  MacroCommand& add(SetCommand<OtherK, OtherV> command) {
    steps_.push_back(
        {K(std::move(command.key)), V(std::move(command.value)), std::move(command.options)});
    return *this;
  }
  template <class OtherK>
  MacroCommand& add(DeleteCommand<OtherK> command) {
    steps_.push_back({K(std::move(command.key)), std::nullopt, {}});
    return *this;
  }
  [[nodiscard]] const std::vector<Step>& steps() const noexcept { return steps_; }

 private:
  std::vector<Step> steps_;
};

}  // namespace tarmac
