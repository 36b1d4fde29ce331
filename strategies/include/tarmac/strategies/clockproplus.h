// CLOCK-Pro+: LIRS by reference bits: entries become hot if they are used again soon enough, and
// the space for those that have yet to prove themselves adapts.
#pragma once

#include <tarmac/core/eviction_strategy.h>

#include <memory>

namespace tarmac {

struct ClockProPlusOptions {
  /// The smallest and the largest share of the capacity for cold entries; between them it adapts.
  /// From 0 to 1; at least two entries.
  double cold_share_min = 0.01;
  double cold_share_max = 0.5;
  /// How many keys that left are remembered, as a multiple of the capacity. From 0 to 10'000.
  double ghosts = 1;
};

/// CLOCK-Pro+: all entries and the ghosts of cold ones stand in one line. A hit raises the entry's
/// mark and does nothing else; the line is put in order when room is made. The oldest cold entry is
/// the victim unless it is marked. A newcomer is cold and in a test period that ends when the hot
/// entry before it in line does; used again meanwhile, resident or not, it becomes hot, and the
/// oldest hot entry without a mark becomes cold. Ghosts that come back widen the share for cold
/// entries, demoted entries that are used again narrow it. An update is a use.
///
/// In weight, all shares are shares of the weight, and the cold share moves by the weight of the
/// entry that moves it. An entry heavier than the hot share stays cold; one heavier than the cold
/// share comes in like any other and takes its room from the oldest entries.
///
/// - Choose it for: what LIRS is good for (loops, scans, a hot set), where hits are many and must
///   be cheap, from many threads too.
/// - Avoid it for: popularity that moves quickly in a small cache.
/// - Cost: a hit sets a mark. choose_victim is O(1) amortised, O(n) at worst; other events O(1)
///   amortised. Memory: 24 bytes for each resident and each ghost, and 16 to 32 for each ghost in
///   an index: at the default bound some 64 to 80 bytes for each entry of the capacity.
/// - Source: Li, "CLOCK-Pro+: improving CLOCK-Pro cache replacement with utility-driven
///   adaptation", SYSTOR 2019; Jiang, Chen and Zhang, "CLOCK-Pro: an effective improvement of the
///   CLOCK replacement", USENIX ATC 2005.
///
/// Throws ConfigError if an option is out of range.
[[nodiscard]] std::unique_ptr<EvictionStrategy> make_clockproplus(
    const ClockProPlusOptions& options = {});

}  // namespace tarmac
