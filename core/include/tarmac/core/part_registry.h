// Factories by name: how a YAML file, an option or a user's program names a part.
#pragma once

#include <tarmac/core/error.h>
#include <tarmac/core/parameters.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac {

/// A process-wide table from names to factories of `Part`. Registering under a name already taken
/// replaces the factory, so that a program may override a built-in part.
///
/// - Thread-safety: all members may be called from any thread. A factory runs outside the lock.
/// - Exceptions: make() throws ConfigError for an unknown name, with the names there are.
template <class Part, class... Arguments>
class PartRegistry {
 public:
  using Factory = std::function<std::unique_ptr<Part>(Arguments..., const Parameters&)>;

  /// `kind` is how messages call the part ("eviction strategy"); `mend` what to do when none of
  /// that name is linked in.
  PartRegistry(std::string kind, std::string mend)
      : kind_(std::move(kind)), mend_(std::move(mend)) {}

  void add(std::string name, Factory factory) {
    const std::lock_guard lock(mutex_);
    factories_.insert_or_assign(std::move(name), std::move(factory));
  }

  [[nodiscard]] std::vector<std::string> names() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> result;
    for (const auto& [name, factory] : factories_) result.push_back(name);
    return result;
  }

  /// Makes a part; every parameter must be one the factory asks for.
  [[nodiscard]] std::unique_ptr<Part> make(std::string_view name, Arguments... arguments,
                                           const Parameters& parameters = {}) const {
    Factory factory;
    {
      const std::lock_guard lock(mutex_);
      const auto found = factories_.find(name);
      if (found != factories_.end()) factory = found->second;
    }
    if (!factory) throw ConfigError(unknown(name));
    auto part = factory(std::forward<Arguments>(arguments)..., parameters);
    parameters.reject_unknown(kind_ + " \"" + std::string(name) + "\"");
    return part;
  }

 private:
  [[nodiscard]] std::string unknown(std::string_view name) const {
    const auto known = names();
    std::string message = "unknown " + kind_ + " \"" + std::string(name) + "\"";
    if (known.empty()) return message + ": none is registered; " + mend_;
    const auto near = nearest_name(name, known);
    if (!near.empty()) message += "; did you mean \"" + std::string(near) + "\"?";
    message += " (known:";
    for (const auto& one : known) message += " " + one;
    return message + ")";
  }

  std::string kind_;
  std::string mend_;
  mutable std::mutex mutex_;
  std::map<std::string, Factory, std::less<>> factories_;
};

}  // namespace tarmac
