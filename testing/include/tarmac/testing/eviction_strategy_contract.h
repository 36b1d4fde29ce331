// The tests every eviction strategy must pass, the built-in ones and yours.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <string_view>

namespace tarmac::testing {

/// Registers the suite `EvictionStrategyContract/<name>` with GoogleTest. `factory` makes a new
/// instance for each test. Call it before RUN_ALL_TESTS(), for example at namespace scope:
///
///     const bool registered = register_eviction_strategy_contract("mine", [] { return make_mine();
///     });
///
/// What the suite holds a strategy to: the victim is a tracked entry, and there is one exactly
/// while anything is tracked; it stays the same until the next event; what outlook() names is
/// tracked; evicting until nothing is left yields each tracked entry once; any entry may leave,
/// change weight or deadline at any moment; any capacity, changed at any time; nodes are left clean
/// and their addresses forgotten; a swap in either direction loses nothing, and hands the victim
/// over first; the same events give the same victims, whatever the addresses. It does not judge
/// which entry is worth keeping.
///
/// Run it with an address sanitizer as well: a forgotten address is freed at once.
/// Returns true.
bool register_eviction_strategy_contract(std::string_view name, const StrategyFactory& factory);

}  // namespace tarmac::testing
