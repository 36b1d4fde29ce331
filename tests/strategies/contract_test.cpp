// Every row of the catalogue keeps the contract; a new strategy is covered by its row alone.
#include <tarmac/strategies/catalog.h>
#include <tarmac/strategies/clock.h>
#include <tarmac/strategies/lfu.h>
#include <tarmac/strategies/s3fifo.h>
#include <tarmac/strategies/slru.h>
#include <tarmac/strategies/two_q.h>
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
  testing::register_eviction_strategy_contract("clock_of_two_bits",
                                               [] { return make_clock({.bits = 2}); });
  testing::register_eviction_strategy_contract("s3fifo_that_fills_main", [] {
    return make_s3fifo({.small_share = 0.5, .ghost_share = 3, .threshold = 1, .fill_main = true});
  });
  testing::register_eviction_strategy_contract("slru_of_uneven_segments",
                                               [] { return make_slru({.segments = "1:2:30"}); });
  testing::register_eviction_strategy_contract(
      "2q_without_a_line", [] { return make_two_q({.in_share = 0, .out_share = 10}); });
  return true;
}();

}  // namespace
}  // namespace tarmac
