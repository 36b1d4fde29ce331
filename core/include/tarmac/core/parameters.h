// Named settings of a part (a strategy, a policy, a store), as they stand in YAML.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tarmac {

/// A list of `name: value` pairs that a factory reads by type. Reading marks a name as known; after
/// reading, reject_unknown() turns what is left over into an error instead of ignoring it.
///
/// - Thread-safety: not synchronised; a factory reads its own copy.
/// - Exceptions: ConfigError with the part, the name and what would be accepted.
class Parameters {
 public:
  Parameters() = default;
  Parameters(std::initializer_list<std::pair<const std::string, std::string>> values)
      : values_(values) {}

  void set(std::string name, std::string value);
  [[nodiscard]] bool contains(std::string_view name) const;
  [[nodiscard]] bool empty() const noexcept { return values_.empty(); }
  using Values = std::map<std::string, std::string, std::less<>>;
  /// All of them, without marking any as known.
  [[nodiscard]] const Values& values() const noexcept { return values_; }

  /// Each returns `fallback` when the name is absent, and throws ConfigError for a wrong value.
  [[nodiscard]] std::uint64_t get_uint(std::string_view name, std::uint64_t fallback) const;
  [[nodiscard]] double get_double(std::string_view name, double fallback) const;
  [[nodiscard]] bool get_bool(std::string_view name, bool fallback) const;
  [[nodiscard]] std::string get_string(std::string_view name, std::string fallback) const;
  /// A number with its unit: ns, us, ms, s, min, h or d (`250ms`).
  [[nodiscard]] std::chrono::nanoseconds get_duration(std::string_view name,
                                                      std::chrono::nanoseconds fallback) const;

  /// Throws ConfigError naming the first value that nobody asked for, with the nearest known name.
  /// `part` is what the values belong to, for example `strategy "lfu"`.
  void reject_unknown(std::string_view part) const;

 private:
  [[nodiscard]] const std::string* find(std::string_view name) const;

  Values values_;
  mutable std::set<std::string, std::less<>> asked_;
};

/// The candidate with the smallest edit distance to `name`, or an empty view if none is near.
[[nodiscard]] std::string_view nearest_name(std::string_view name,
                                            std::span<const std::string> candidates);

/// Reads `250ms`, `10min`, `1.5s`; throws ConfigError naming the accepted units.
[[nodiscard]] std::chrono::nanoseconds parse_duration(std::string_view text);

}  // namespace tarmac
