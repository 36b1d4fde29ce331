#include "swap_fidelity.h"

#include <tarmac/simulator/replay.h>
#include <tarmac/strategies/catalog.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <span>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "trace_files.h"

namespace tarmac::simulator_tests {
namespace {

std::unique_ptr<EvictionStrategy> make(const StrategyChoice& choice) {
  return strategy_registry().make(choice.name, choice.settings());
}

/// A trace cut at its middle, and at the end of the window behind it.
struct Cut {
  std::vector<std::uint64_t> keys;
  std::span<const std::uint64_t> before;
  std::span<const std::uint64_t> window;
  std::vector<std::uint64_t> known;  // Each key of what is before, once.
};

/// How often the window is hit by a cache that ran a strategy from the start.
struct Reference {
  struct FirstRequest {
    std::uint64_t key = 0;
    bool is_hit = false;
  };

  std::uint64_t hits = 0;
  std::vector<std::uint64_t> held;     // At the middle.
  std::vector<FirstRequest> requests;  // For each key of the window its first.
};

Cut cut(const SwapCase& which) {
  Cut result;
  for (const Request& request : read_all(which.trace)) result.keys.push_back(request.key);
  const std::span<const std::uint64_t> keys(result.keys);
  const std::size_t middle = keys.size() / 2;
  result.before = keys.first(middle);
  result.window =
      keys.subspan(middle, std::min<std::size_t>(10 * which.capacity, keys.size() - middle));
  const std::unordered_set<std::uint64_t> known(result.before.begin(), result.before.end());
  result.known.assign(known.begin(), known.end());
  return result;
}

double share_of(std::uint64_t hits, const Cut& trace) {
  return static_cast<double>(hits) / static_cast<double>(trace.window.size());
}

Reference play_from_the_start(StrategyReplay replay, const Cut& trace) {
  Reference result;
  replay.play(trace.before);
  std::ranges::copy_if(trace.known, std::back_inserter(result.held),
                       [&replay](std::uint64_t key) { return replay.holds(key); });
  std::unordered_set<std::uint64_t> requested;
  Request request;
  for (const std::uint64_t key : trace.window) {
    request.key = key;
    const bool is_hit = replay.play(request);
    if (is_hit) ++result.hits;
    if (requested.insert(key).second) result.requests.push_back({key, is_hit});
  }
  return result;
}

/// Fills in what an imitation of `reference` would have that begins with what `old` holds.
void imitate(const Reference& reference, const StrategyReplay& old, const Cut& trace,
             SwapFidelity& swap) {
  const auto is_lacking = [&old](std::uint64_t key) { return !old.holds(key); };
  // A hit at the first request: it was there since before the swap.
  const auto missed = std::ranges::count_if(reference.requests, [&](const auto& request) {
    return request.is_hit && is_lacking(request.key);
  });
  swap.imitated = share_of(reference.hits - static_cast<std::uint64_t>(missed), trace);
  // From the end, so that room goes to those entries first that leave the most to the others: what
  // is kept until later takes room from what is used before. Room grows towards the swap, by each
  // entry that the imitation has not fetched yet.
  const auto lacking =
      static_cast<std::uint64_t>(std::ranges::count_if(reference.held, is_lacking));
  std::uint64_t room =
      swap.capacity - reference.held.size() + lacking - static_cast<std::uint64_t>(missed);
  std::uint64_t kept = 0;
  for (auto request = reference.requests.rbegin(); request != reference.requests.rend();
       ++request) {
    if (request->is_hit) {
      if (is_lacking(request->key)) ++room;
    } else if (!is_lacking(request->key) && kept < room) {
      ++kept;
    }
  }
  swap.at_best = swap.imitated + share_of(kept, trace);
}

std::string summary_row(const std::string& name, std::vector<const SwapFidelity*> swaps) {
  const auto by_difference = [](const auto* a, const auto* b) {
    return a->difference() < b->difference();
  };
  std::sort(swaps.begin(), swaps.end(), by_difference);
  const auto share = [&swaps](auto is_such) {
    const auto such = std::count_if(swaps.begin(), swaps.end(), is_such);
    return 100.0 * static_cast<double>(such) / static_cast<double>(swaps.size());
  };
  return fmt::format(
      "| {} | {} | {:.1f} % | {:.1f} % | {:.1f} % | {:+.2f} | {:+.2f} | {:+.2f} | {:.1f} % | "
      "{:.1f} % | {:.1f} % | {:.1f} % | {:.1f} % |\n",
      name, swaps.size(), share([](const auto* s) { return s->is_near(); }),
      share([](const auto* s) { return !s->is_near() && s->difference() < 0; }),
      share([](const auto* s) { return !s->is_near() && s->difference() > 0; }),
      swaps.front()->difference() * 100, swaps[swaps.size() / 2]->difference() * 100,
      swaps.back()->difference() * 100,
      share([](const auto* s) { return s->is_nearer_than_cold(); }),
      share([](const auto* s) { return s->is_worse_than_cold(); }),
      share([](const auto* s) { return s->is_as_the_imitation(); }),
      share([](const auto* s) { return s->is_imitation_worse(); }),
      share([](const auto* s) { return s->is_out_of_reach(); }));
}

}  // namespace

bool SwapFidelity::is_nearer_than_cold() const {
  // Where both are as good as the same, neither is nearer.
  return std::abs(difference()) <= std::max(std::abs(cold_difference()), 1e-9);
}

bool SwapFidelity::is_worse_than_cold() const { return !is_nearer_than_cold() && swapped < cold; }

std::vector<SwapFidelity> measure_swaps(const std::vector<StrategyChoice>& from,
                                        const std::vector<StrategyChoice>& to,
                                        const std::vector<SwapCase>& cases) {
  std::vector<SwapFidelity> swaps;
  for (const SwapCase& which : cases) {
    const Cut trace = cut(which);
    const StrategyCapacity capacity{which.capacity, false};
    for (const StrategyChoice& successor : to) {
      SwapFidelity swap;
      swap.to = successor.text();
      swap.trace = which.trace.filename().string();
      swap.trace.resize(swap.trace.find('.'));
      swap.capacity = which.capacity;
      swap.window = trace.window.size();
      const Reference reference =
          play_from_the_start(StrategyReplay(make(successor), capacity), trace);
      swap.from_the_start = share_of(reference.hits, trace);
      StrategyReplay cold(make(successor), capacity);
      cold.play(trace.window);
      swap.cold = share_of(cold.result().hits, trace);
      for (const StrategyChoice& predecessor : from) {
        swap.from = predecessor.text();
        StrategyReplay swapped(make(predecessor), capacity);
        swapped.play(trace.before);
        imitate(reference, swapped, trace, swap);
        const std::uint64_t hits_before = swapped.result().hits;
        swapped.swap_strategy(make(successor));
        swapped.play(trace.window);
        swap.swapped = share_of(swapped.result().hits - hits_before, trace);
        swaps.push_back(swap);
      }
    }
  }
  return swaps;
}

std::string fidelity_table(const std::vector<SwapFidelity>& swaps) {
  std::map<std::pair<std::string, std::string>, std::vector<const SwapFidelity*>> pairs;
  for (const SwapFidelity& swap : swaps) pairs[{swap.from, swap.to}].push_back(&swap);
  std::string text =
      "| from | to | cases | within 1 point | nearer than cold | lowest, points | there, cold | "
      "where "
      "| highest |\n"
      "|---|---|---:|---:|---:|---:|---:|---|---:|\n";
  for (const auto& [pair, all] : pairs) {
    const auto near =
        std::count_if(all.begin(), all.end(), [](const auto* s) { return s->is_near(); });
    const auto nearer = std::count_if(all.begin(), all.end(),
                                      [](const auto* s) { return s->is_nearer_than_cold(); });
    const auto [lowest, highest] = std::minmax_element(
        all.begin(), all.end(),
        [](const auto* a, const auto* b) { return a->difference() < b->difference(); });
    text += fmt::format(
        "| `{}` | `{}` | {} | {} | {} | {:+.2f} | {:+.2f} | {}, {} entries | {:+.2f} |\n",
        pair.first, pair.second, all.size(), near, nearer, (*lowest)->difference() * 100,
        (*lowest)->cold_difference() * 100, (*lowest)->trace, (*lowest)->capacity,
        (*highest)->difference() * 100);
  }
  return text;
}

std::string fidelity_summary(const std::vector<SwapFidelity>& swaps) {
  std::map<std::string, std::vector<const SwapFidelity*>> targets;
  std::vector<const SwapFidelity*> all;
  for (const SwapFidelity& swap : swaps) {
    targets[swap.to].push_back(&swap);
    all.push_back(&swap);
  }
  std::string text =
      "| to | swaps | within 1 point | more than 1 worse | more than 1 better | worst, points "
      "| median | best | nearer than cold | worse than cold | as a perfect imitation | imitation "
      "more than 1 worse | out of reach |\n"
      "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";
  for (const auto& [to, of_target] : targets) {
    text += summary_row(fmt::format("`{}`", to), of_target);
  }
  if (!all.empty()) text += summary_row("all", std::move(all));
  return text;
}

std::string fidelity_csv(const std::vector<SwapFidelity>& swaps) {
  std::string text = "from,to,trace,capacity,window,swapped,from_the_start,cold,imitated,at_best\n";
  for (const SwapFidelity& swap : swaps) {
    text += fmt::format("{},{},{},{},{},{:.6f},{:.6f},{:.6f},{:.6f},{:.6f}\n", swap.from, swap.to,
                        swap.trace, swap.capacity, swap.window, swap.swapped, swap.from_the_start,
                        swap.cold, swap.imitated, swap.at_best);
  }
  return text;
}

}  // namespace tarmac::simulator_tests
