// Every row of the catalogue keeps the contract; a new strategy is covered by its row alone.
#include <tarmac/strategies/catalog.h>
#include <tarmac/strategies/clock.h>
#include <tarmac/strategies/clockproplus.h>
#include <tarmac/strategies/frd.h>
#include <tarmac/strategies/lfu.h>
#include <tarmac/strategies/lirs.h>
#include <tarmac/strategies/s3fifo.h>
#include <tarmac/strategies/slru.h>
#include <tarmac/strategies/two_q.h>
#include <tarmac/strategies/wtinylfu.h>
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
  testing::register_eviction_strategy_contract(
      "lirs_with_few_places", [] { return make_lirs({.hir_share = 0.5, .stack = 1.2}); });
  testing::register_eviction_strategy_contract("clockproplus_all_cold", [] {
    return make_clockproplus({.cold_share_min = 1, .cold_share_max = 1});
  });
  testing::register_eviction_strategy_contract(
      "frd_with_few_ghosts", [] { return make_frd({.main_share = 0.5, .ghosts = 0.3}); });
  testing::register_eviction_strategy_contract(
      "wtinylfu_by_correlation", [] { return make_wtinylfu({.by_correlation = true}); });
  testing::register_eviction_strategy_contract("wtinylfu_all_window",
                                               [] { return make_wtinylfu({.window_share = 1}); });
  return true;
}();

}  // namespace
}  // namespace tarmac
