// Every row of the catalogue keeps the contract; a new strategy is covered by its row alone.
#include <tarmac/strategies/catalog.h>
#include <tarmac/strategies/lfu.h>
#include <tarmac/testing/eviction_strategy_contract.h>

namespace tarmac {
namespace {

[[maybe_unused]] const bool kRegistered = [] {
  for (const StrategyDescription& row : catalog()) {
    testing::register_eviction_strategy_contract(row.name, [&row] { return row.make({}); });
  }
  // Settings that take other paths than the defaults.
  testing::register_eviction_strategy_contract("lfu_without_ageing",
                                               [] { return make_lfu({.ageing = false}); });
  testing::register_eviction_strategy_contract("lfu_ageing_at_once",
                                               [] { return make_lfu({.ageing_period = 1}); });
  return true;
}();

}  // namespace
}  // namespace tarmac
