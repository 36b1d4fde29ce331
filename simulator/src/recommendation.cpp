#include <tarmac/simulator/report.h>

#include <tarmac/core/error.h>

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "wording.h"

namespace tarmac {
namespace {

/// How near the misses of the largest size a smaller one must come.
constexpr double kNearEnough = 1.1;

std::uint64_t fewest_misses(const SweepResult& result, std::size_t size) {
  std::uint64_t fewest = ~std::uint64_t{0};
  for (std::size_t i = 0; i < result.strategies.size(); ++i) {
    if (!result.strategies[i].is_bound()) {
      fewest = std::min(fewest, result.cell(i, size).result.misses);
    }
  }
  return fewest;
}

double excess_of(const SweepResult& result, std::size_t strategy) {
  double sum = 0;
  for (std::size_t size = 0; size < result.sizes.size(); ++size) {
    const auto misses = static_cast<double>(result.cell(strategy, size).result.misses);
    const auto best = static_cast<double>(std::max<std::uint64_t>(fewest_misses(result, size), 1));
    sum += misses / best - 1;
  }
  return std::max(0.0, sum / static_cast<double>(result.sizes.size()));
}

/// The sizes of the kind of the first one, smallest first.
std::vector<std::size_t> comparable_sizes(const SweepResult& result) {
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < result.sizes.size(); ++i) {
    if (result.capacities[i].in_weight == result.capacities[0].in_weight) sizes.push_back(i);
  }
  std::stable_sort(sizes.begin(), sizes.end(), [&](std::size_t a, std::size_t b) {
    return result.capacities[a].amount < result.capacities[b].amount;
  });
  return sizes;
}

std::string misses_text(const SweepResult& result, std::size_t strategy, std::size_t size) {
  return internal::percent_text(result.cell(strategy, size).result.miss_ratio());
}

/// What the others miss at the size: the next best strategy, and the bound.
std::string others_text(const SweepResult& result, const Recommendation& chosen) {
  std::string text;
  for (const std::size_t other : ranking(result)) {
    if (other == chosen.strategy) continue;
    const bool is_bound = result.strategies[other].is_bound();
    if (!is_bound && !text.empty()) continue;
    text += (text.empty() ? "" : ", ") + result.strategies[other].text() + " " +
            misses_text(result, other, chosen.size);
  }
  return text.empty() ? "" : " (" + text + ")";
}

std::string sentence_of(const SweepResult& result, const Recommendation& chosen,
                        const std::vector<std::size_t>& sizes) {
  std::string text =
      fmt::format("Take {} with {}: it misses {} of the requests{}",
                  result.strategies[chosen.strategy].text(), describe(result, chosen.size),
                  misses_text(result, chosen.strategy, chosen.size), others_text(result, chosen));
  if (sizes.size() > 1 && result.strategies.size() > 1) {
    text +=
        chosen.excess == 0
            ? fmt::format(", and no other misses less at any of the {} sizes", result.sizes.size())
            : fmt::format(
                  ", and over the {} sizes {:.1f} % more often than the best strategy of each",
                  result.sizes.size(), chosen.excess * 100);
  }
  if (chosen.size != sizes.back()) {
    text += fmt::format("; {} would save less than a tenth of these misses",
                        describe(result, sizes.back()));
  } else if (sizes.size() > 1) {
    text += "; misses still fall at this size, the largest that was tried";
  }
  return text + ".";
}

/// A name that a cache file accepts, from that of the trace.
std::string cache_name(const std::filesystem::path& trace) {
  constexpr std::size_t kLongest = 64;
  std::string name = trace.filename().string();
  name = name.substr(0, std::min(name.find('.'), kLongest));
  for (char& c : name) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!is_plain) c = '_';
  }
  return name.empty() ? "cache" : name;
}

/// In quotes where YAML could take it for something else than this text.
std::string yaml_text(const std::string& value) {
  const bool is_plain = std::all_of(value.begin(), value.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
  });
  if (is_plain && !value.empty()) return value;
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string yaml_of(const SweepResult& result, const Recommendation& chosen) {
  const StrategyCapacity& capacity = result.capacities[chosen.size];
  const StrategyChoice& strategy = result.strategies[chosen.strategy];
  std::string text = "caches:\n  - name: \"" + cache_name(result.trace) + "\"\n";
  if (capacity.in_weight) {
    text += fmt::format("    max_entries: unlimited\n    max_bytes: {}\n", capacity.amount);
  } else {
    text += fmt::format("    max_entries: {}\n", capacity.amount);
  }
  if (strategy.parameters.empty()) return text + "    eviction: " + strategy.name + "\n";
  text += "    eviction:\n      strategy: " + strategy.name + "\n";
  for (const auto& [name, value] : strategy.parameters) {
    text += "      " + name + ": " + yaml_text(value) + "\n";
  }
  return text;
}

}  // namespace

std::vector<std::size_t> ranking(const SweepResult& result) {
  std::vector<std::size_t> order(result.strategies.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<double> excess;
  excess.reserve(order.size());
  for (const std::size_t one : order) excess.push_back(excess_of(result, one));
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const bool a_is_bound = result.strategies[a].is_bound();
    const bool b_is_bound = result.strategies[b].is_bound();
    return a_is_bound != b_is_bound ? b_is_bound : excess[a] < excess[b];
  });
  return order;
}

std::string describe(const SweepResult& result, std::size_t size) {
  const StrategyCapacity& capacity = result.capacities[size];
  std::string text = capacity.in_weight ? internal::bytes_text(capacity.amount)
                                        : internal::grouped(capacity.amount) +
                                              (capacity.amount == 1 ? " object" : " objects");
  if (result.sizes[size].unit == SizeChoice::Unit::percent) {
    text += " (" + result.sizes[size].text + ")";
  }
  return text;
}

Recommendation recommend(const SweepResult& result) {
  Recommendation chosen;
  chosen.strategy = ranking(result).front();
  if (result.strategies[chosen.strategy].is_bound()) {
    throw ConfigError("belady knows the future, which no cache does; add a strategy");
  }
  chosen.excess = excess_of(result, chosen.strategy);
  const auto sizes = comparable_sizes(result);
  const double enough =
      kNearEnough * static_cast<double>(result.cell(chosen.strategy, sizes.back()).result.misses);
  chosen.size = *std::find_if(sizes.begin(), sizes.end(), [&](std::size_t size) {
    return static_cast<double>(result.cell(chosen.strategy, size).result.misses) <= enough;
  });
  chosen.sentence = sentence_of(result, chosen, sizes);
  chosen.yaml = yaml_of(result, chosen);
  return chosen;
}

}  // namespace tarmac
