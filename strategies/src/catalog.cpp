#include <tarmac/strategies/arc.h>
#include <tarmac/strategies/catalog.h>
#include <tarmac/strategies/clock.h>
#include <tarmac/strategies/clockproplus.h>
#include <tarmac/strategies/fifo.h>
#include <tarmac/strategies/frd.h>
#include <tarmac/strategies/gdsf.h>
#include <tarmac/strategies/lfu.h>
#include <tarmac/strategies/lirs.h>
#include <tarmac/strategies/lru.h>
#include <tarmac/strategies/random.h>
#include <tarmac/strategies/rhythm.h>
#include <tarmac/strategies/s3fifo.h>
#include <tarmac/strategies/sieve.h>
#include <tarmac/strategies/slru.h>
#include <tarmac/strategies/ttl.h>
#include <tarmac/strategies/two_q.h>
#include <tarmac/strategies/wtinylfu.h>

#include <array>
#include <string>

namespace tarmac {
namespace {

/// A row for a strategy without parameters.
template <std::unique_ptr<EvictionStrategy> (*Make)()>
std::unique_ptr<EvictionStrategy> plain(const Parameters&) {
  return Make();
}

std::unique_ptr<EvictionStrategy> lfu_from(const Parameters& parameters) {
  LfuOptions options;
  options.ageing = parameters.get_bool("ageing", options.ageing);
  options.ageing_period = parameters.get_uint("ageing_period", options.ageing_period);
  return make_lfu(options);
}

std::unique_ptr<EvictionStrategy> clock_from(const Parameters& parameters) {
  return make_clock({.bits = parameters.get_uint("bits", ClockOptions{}.bits)});
}

std::unique_ptr<EvictionStrategy> s3fifo_from(const Parameters& parameters) {
  S3FifoOptions options;
  options.small_share = parameters.get_double("small_share", options.small_share);
  options.ghost_share = parameters.get_double("ghost_share", options.ghost_share);
  options.threshold = parameters.get_uint("threshold", options.threshold);
  options.fill_main = parameters.get_bool("fill_main", options.fill_main);
  return make_s3fifo(options);
}

std::unique_ptr<EvictionStrategy> slru_from(const Parameters& parameters) {
  return make_slru({.segments = parameters.get_string("segments", SlruOptions{}.segments)});
}

std::unique_ptr<EvictionStrategy> two_q_from(const Parameters& parameters) {
  TwoQOptions options;
  options.in_share = parameters.get_double("in_share", options.in_share);
  options.out_share = parameters.get_double("out_share", options.out_share);
  return make_two_q(options);
}

std::unique_ptr<EvictionStrategy> random_from(const Parameters& parameters) {
  return make_random({.seed = parameters.get_uint("seed", RandomOptions{}.seed)});
}

std::unique_ptr<EvictionStrategy> lirs_from(const Parameters& parameters) {
  LirsOptions options;
  options.hir_share = parameters.get_double("hir_share", options.hir_share);
  options.ghosts = parameters.get_double("ghosts", options.ghosts);
  options.stack = parameters.get_double("stack", options.stack);
  return make_lirs(options);
}

std::unique_ptr<EvictionStrategy> clockproplus_from(const Parameters& parameters) {
  ClockProPlusOptions options;
  options.cold_share_min = parameters.get_double("cold_share_min", options.cold_share_min);
  options.cold_share_max = parameters.get_double("cold_share_max", options.cold_share_max);
  options.ghosts = parameters.get_double("ghosts", options.ghosts);
  return make_clockproplus(options);
}

std::unique_ptr<EvictionStrategy> frd_from(const Parameters& parameters) {
  FrdOptions options;
  options.main_share = parameters.get_double("main_share", options.main_share);
  options.ghosts = parameters.get_double("ghosts", options.ghosts);
  return make_frd(options);
}

std::unique_ptr<EvictionStrategy> wtinylfu_from(const Parameters& parameters) {
  WTinyLfuOptions options;
  options.window_share = parameters.get_double("window_share", options.window_share);
  options.protected_share = parameters.get_double("protected_share", options.protected_share);
  options.adaptive = parameters.get_bool("adaptive", options.adaptive);
  options.by_correlation = parameters.get_bool("by_correlation", options.by_correlation);
  return make_wtinylfu(options);
}

// To add a strategy, add its row. The contract tests, YAML files and the programs read this table.
constexpr auto kCatalog = std::to_array<StrategyDescription>({
    {"fifo", plain<make_fifo>, "the entry that came in first leaves"},
    {"lru", plain<make_lru>, "the entry not used for the longest time leaves"},
    {"lfu", lfu_from, "the entry used least often leaves; old uses fade (ageing, ageing_period)"},
    {"ttl", plain<make_ttl>, "the entry that expires soonest leaves"},
    {"clock", clock_from, "the entry that came in first leaves, unless it was hit (bits)"},
    {"sieve", plain<make_sieve>, "the next entry not hit since a hand last passed it leaves"},
    {"s3fifo", s3fifo_from,
     "new entries not hit soon leave; the others have a CLOCK of their own (small_share, "
     "ghost_share, threshold, fill_main)"},
    {"slru", slru_from, "the entry least recently used among those hit least leaves (segments)"},
    {"2q", two_q_from,
     "new entries leave in order of arrival; what returns has an LRU (in_share, out_share)"},
    {"arc", plain<make_arc>, "balances what was used once and what was used more often"},
    {"random", random_from, "any entry leaves (seed)"},
    {"gdsf", plain<make_gdsf>, "the entry with the fewest uses for its weight leaves"},
    {"lirs", lirs_from,
     "the entry whose uses lie far apart leaves; ghosts tell (hir_share, ghosts, stack)"},
    {"clockproplus", clockproplus_from,
     "lirs by reference bits, with a cold share that adapts (cold_share_min, cold_share_max, "
     "ghosts)"},
    {"frd", frd_from,
     "the oldest newcomer leaves, or an old entry for a key that came back (main_share, ghosts)"},
    {"wtinylfu", wtinylfu_from,
     "the rarer of a newcomer and an old entry leaves, by recent uses (window_share, "
     "protected_share, adaptive, by_correlation)"},
    {"rhythm", plain<make_rhythm>,
     "the entry that earns the fewest hits for its room leaves, by what keys like it did"},
});

}  // namespace

std::span<const StrategyDescription> catalog() noexcept { return kCatalog; }

void register_built_in_strategies() {
  static const bool once = [] {
    for (const StrategyDescription& row : catalog()) {
      strategy_registry().add(std::string(row.name), row.make);
    }
    return true;
  }();
  static_cast<void>(once);
}

}  // namespace tarmac
