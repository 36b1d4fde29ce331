// Every built-in strategy by name. Including this header makes the names known to
// strategy_registry().
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <memory>
#include <span>
#include <string_view>

namespace tarmac {

/// A row of the catalogue.
struct StrategyDescription {
  std::string_view name;
  /// Makes one instance; throws ConfigError for a parameter of a wrong value. Does not complain of
  /// parameters it does not know: strategy_registry().make() does.
  std::unique_ptr<EvictionStrategy> (*make)(const Parameters& parameters);
  /// One line for people who choose: which entry leaves.
  std::string_view summary;
};

/// The built-in strategies, the simplest first.
[[nodiscard]] std::span<const StrategyDescription> catalog() noexcept;

/// Puts the rows into strategy_registry(), the first time it is called. Later calls do nothing, so
/// that a program's own factory under a built-in name stays. Thread-safe.
void register_built_in_strategies();

namespace internal {
// Refers to the library from every program that includes this header: a static library would
// otherwise be linked without the table, since nothing in it was asked for.
inline const bool kBuiltInStrategiesRegistered = (register_built_in_strategies(), true);
}  // namespace internal

}  // namespace tarmac
