// What the report wants to know of a strategy.
#pragma once

#include <tarmac/core/eviction_strategy.h>
#include <tarmac/strategies/catalog.h>

#include <string>

namespace tarmac::bench {

/// How the strategy learns of hits, which decides what a hit costs: `none`, `mark` or `ordered`.
[[nodiscard]] inline std::string tracking_of(const StrategyDescription& row) {
  switch (row.make({})->tracking()) {
    case AccessTracking::none:
      return "none";
    case AccessTracking::mark:
      return "mark";
    case AccessTracking::ordered:
      return "ordered";
  }
  return "ordered";
}

}  // namespace tarmac::bench
