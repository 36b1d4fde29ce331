#include "swap_fidelity.h"

#include <tarmac/simulator/replay.h>
#include <tarmac/strategies/catalog.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
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
};

Cut cut(const SwapCase& which) {
  Cut result;
  for (const Request& request : read_all(which.trace)) result.keys.push_back(request.key);
  const std::span<const std::uint64_t> keys(result.keys);
  const std::size_t middle = keys.size() / 2;
  result.before = keys.first(middle);
  result.window =
      keys.subspan(middle, std::min<std::size_t>(10 * which.capacity, keys.size() - middle));
  return result;
}

double hit_ratio_of(StrategyReplay& replay, std::span<const std::uint64_t> window) {
  const std::uint64_t before = replay.result().hits;
  replay.play(window);
  return static_cast<double>(replay.result().hits - before) / static_cast<double>(window.size());
}

}  // namespace

bool SwapFidelity::is_nearer_than_cold() const {
  // Where both are as good as the same, neither is nearer.
  return std::abs(difference()) <= std::max(std::abs(cold_difference()), 1e-9);
}

std::vector<SwapFidelity> measure_swaps(const std::vector<StrategyChoice>& strategies,
                                        const std::vector<SwapCase>& cases) {
  std::vector<SwapFidelity> swaps;
  for (const SwapCase& which : cases) {
    const Cut trace = cut(which);
    const StrategyCapacity capacity{which.capacity, false};
    for (const StrategyChoice& to : strategies) {
      SwapFidelity swap;
      swap.to = to.text();
      swap.trace = which.trace.filename().string();
      swap.trace.resize(swap.trace.find('.'));
      swap.capacity = which.capacity;
      swap.window = trace.window.size();
      StrategyReplay from_the_start(make(to), capacity);
      from_the_start.play(trace.before);
      swap.from_the_start = hit_ratio_of(from_the_start, trace.window);
      StrategyReplay cold(make(to), capacity);
      swap.cold = hit_ratio_of(cold, trace.window);
      for (const StrategyChoice& from : strategies) {
        swap.from = from.text();
        StrategyReplay swapped(make(from), capacity);
        swapped.play(trace.before);
        swapped.swap_strategy(make(to));
        swap.swapped = hit_ratio_of(swapped, trace.window);
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

}  // namespace tarmac::simulator_tests
