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
      "{:.1f} % |\n",
      name, swaps.size(), share([](const auto* s) { return s->is_near(); }),
      share([](const auto* s) { return !s->is_near() && s->difference() < 0; }),
      share([](const auto* s) { return !s->is_near() && s->difference() > 0; }),
      swaps.front()->difference() * 100, swaps[swaps.size() / 2]->difference() * 100,
      swaps.back()->difference() * 100,
      share([](const auto* s) { return s->is_nearer_than_cold(); }),
      share([](const auto* s) { return s->is_worse_than_cold(); }));
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
      StrategyReplay from_the_start(make(successor), capacity);
      from_the_start.play(trace.before);
      swap.from_the_start = hit_ratio_of(from_the_start, trace.window);
      StrategyReplay cold(make(successor), capacity);
      swap.cold = hit_ratio_of(cold, trace.window);
      for (const StrategyChoice& predecessor : from) {
        swap.from = predecessor.text();
        StrategyReplay swapped(make(predecessor), capacity);
        swapped.play(trace.before);
        swapped.swap_strategy(make(successor));
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

std::string fidelity_summary(const std::vector<SwapFidelity>& swaps) {
  std::map<std::string, std::vector<const SwapFidelity*>> targets;
  std::vector<const SwapFidelity*> all;
  for (const SwapFidelity& swap : swaps) {
    targets[swap.to].push_back(&swap);
    all.push_back(&swap);
  }
  std::string text =
      "| to | swaps | within 1 point | more than 1 worse | more than 1 better | worst, points "
      "| median | best | nearer than cold | worse than cold |\n"
      "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";
  for (const auto& [to, of_target] : targets) {
    text += summary_row(fmt::format("`{}`", to), of_target);
  }
  if (!all.empty()) text += summary_row("all", std::move(all));
  return text;
}

std::string fidelity_csv(const std::vector<SwapFidelity>& swaps) {
  std::string text = "from,to,trace,capacity,window,swapped,from_the_start,cold\n";
  for (const SwapFidelity& swap : swaps) {
    text += fmt::format("{},{},{},{},{},{:.6f},{:.6f},{:.6f}\n", swap.from, swap.to, swap.trace,
                        swap.capacity, swap.window, swap.swapped, swap.from_the_start, swap.cold);
  }
  return text;
}

}  // namespace tarmac::simulator_tests
