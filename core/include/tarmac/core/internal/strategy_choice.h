// Which strategy is at work, and how the log remembers it over a restart.
#pragma once

#include <tarmac/core/eviction_strategy.h>
#include <tarmac/core/parameters.h>

#include <optional>
#include <string>
#include <string_view>

namespace tarmac::internal {

struct StrategyChoice {
  std::string name;
  StrategyFactory factory;
  /// Name and parameters, as the log has them. Empty: a function of the program makes it, which no
  /// log can bring back.
  std::string spelling = {};
};

/// The strategy registered as `name`.
[[nodiscard]] StrategyChoice registered_strategy(const std::string& name,
                                                 const Parameters& parameters);

/// What a log says of the last swap.
struct LoggedSwap {
  std::string chosen;
  /// What the options named when it happened.
  std::string configured;
};

/// What a restart goes on with: the strategy swapped to, if the options still name the one that
/// they named then, and if it can be made here; else nullopt, and the options count.
[[nodiscard]] std::optional<StrategyChoice> revive_swap(const LoggedSwap& swap,
                                                        const StrategyChoice& configured);

}  // namespace tarmac::internal
