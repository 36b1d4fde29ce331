#include <tarmac/simulator/report.h>

#include <tarmac/core/error.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "wording.h"

namespace tarmac {
namespace {

using Json = nlohmann::ordered_json;

/// The lines under the heading: a row for each strategy, a column for each size.
struct Grid {
  std::vector<std::string> heads;
  std::vector<std::vector<std::string>> rows;

  [[nodiscard]] std::string text() const {
    std::vector<std::size_t> widths;
    for (std::size_t column = 0; column < heads.size(); ++column) {
      std::size_t width = heads[column].size();
      for (const auto& row : rows) width = std::max(width, row[column].size());
      widths.push_back(width);
    }
    std::string result = line(heads, widths);
    for (const auto& row : rows) result += line(row, widths);
    return result;
  }

 private:
  static std::string line(const std::vector<std::string>& cells,
                          const std::vector<std::size_t>& widths) {
    std::string result = fmt::format("  {:<{}}", cells[0], widths[0]);
    for (std::size_t i = 1; i < cells.size(); ++i) {
      result += fmt::format("  {:>{}}", cells[i], widths[i]);
    }
    while (result.back() == ' ') result.pop_back();
    return result + "\n";
  }
};

/// `2,048 (10%)`, `64 MiB`: what has a unit is bytes.
std::string short_size(const SweepResult& result, std::size_t size) {
  std::string text = describe(result, size);
  const std::size_t unit = text.find(" object");
  if (unit != std::string::npos)
    text.erase(unit, std::min(text.find(" (", unit), text.size()) - unit);
  return text;
}

Grid grid_of(const SweepResult& result, double (ReplayResult::*ratio)() const noexcept,
             const std::string& title) {
  Grid grid;
  grid.heads.push_back(title);
  for (std::size_t size = 0; size < result.sizes.size(); ++size) {
    grid.heads.push_back(short_size(result, size) + "  ");
  }
  const auto order = ranking(result);
  for (const std::size_t strategy : order) {
    const StrategyChoice& choice = result.strategies[strategy];
    auto& row = grid.rows.emplace_back();
    row.push_back(choice.is_bound() ? "belady (knows the future)" : choice.text());
    for (std::size_t size = 0; size < result.sizes.size(); ++size) {
      const double value = (result.cell(strategy, size).result.*ratio)();
      const bool is_best =
          !choice.is_bound() && std::all_of(order.begin(), order.end(), [&](std::size_t other) {
            return result.strategies[other].is_bound() ||
                   (result.cell(other, size).result.*ratio)() >= value;
          });
      row.push_back(fmt::format("{:.2f} {}", value * 100, is_best ? "*" : " "));
    }
  }
  return grid;
}

std::string head_of(const SweepResult& result) {
  std::string text = fmt::format("{} ({}): {} requests", result.trace.string(), result.format,
                                 internal::grouped(result.requests));
  if (result.summary) {
    text += fmt::format(", {} objects", internal::grouped(result.summary->objects));
    if (result.summary->bytes != result.summary->objects) {
      text += fmt::format(", {}", internal::bytes_text(result.summary->bytes));
    }
  }
  return text + "\n";
}

bool any_bytes(const SweepResult& result) {
  const ReplayResult& counts = result.cells.front().result;
  return counts.bytes != counts.requests &&
         std::any_of(result.capacities.begin(), result.capacities.end(),
                     [](const StrategyCapacity& capacity) { return capacity.in_weight; });
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

const char* unit_of(const StrategyCapacity& capacity) {
  return capacity.in_weight ? "bytes" : "objects";
}

Json cell_json(const SweepResult& result, const SweepCell& cell) {
  const ReplayResult& counts = cell.result;
  return {{"strategy", result.strategies[cell.strategy].text()},
          {"size", cell.capacity.amount},
          {"unit", unit_of(cell.capacity)},
          {"asked_for", result.sizes[cell.size].text},
          {"requests", counts.requests},
          {"hits", counts.hits},
          {"misses", counts.misses},
          {"miss_ratio", counts.miss_ratio()},
          {"byte_miss_ratio", counts.byte_miss_ratio()},
          {"too_large", counts.bypassed}};
}

Json trace_json(const SweepResult& result) {
  Json trace{{"trace", result.trace.string()},
             {"format", result.format},
             {"requests", result.requests},
             {"objects", nullptr},
             {"bytes", nullptr},
             {"malformed", {{"count", result.problems.count}, {"first", result.problems.first}}}};
  if (result.summary) {
    trace["objects"] = result.summary->objects;
    trace["bytes"] = result.summary->bytes;
  }
  for (const SweepCell& cell : result.cells) trace["cells"].push_back(cell_json(result, cell));
  const bool has_strategy =
      std::any_of(result.strategies.begin(), result.strategies.end(),
                  [](const StrategyChoice& choice) { return !choice.is_bound(); });
  trace["recommendation"] = nullptr;
  if (has_strategy) {
    const Recommendation chosen = recommend(result);
    trace["recommendation"] = {{"strategy", result.strategies[chosen.strategy].text()},
                               {"size", result.capacities[chosen.size].amount},
                               {"unit", unit_of(result.capacities[chosen.size])},
                               {"sentence", chosen.sentence},
                               {"yaml", chosen.yaml}};
  }
  return trace;
}

}  // namespace

std::string to_table(const SweepResult& result) {
  std::string text = head_of(result) + "\n";
  text += grid_of(result, &ReplayResult::miss_ratio, "misses, % of requests, in a cache of").text();
  if (any_bytes(result)) {
    text +=
        "\n" +
        grid_of(result, &ReplayResult::byte_miss_ratio, "missed, % of bytes, in a cache of").text();
  }
  return text;
}

std::string to_csv(std::span<const SweepResult> results) {
  std::string text =
      "trace,strategy,size_unit,cache_size,asked_for,requests,misses,miss_ratio,byte_miss_ratio,"
      "too_large\n";
  for (const SweepResult& result : results) {
    for (const SweepCell& cell : result.cells) {
      const ReplayResult& counts = cell.result;
      text += fmt::format(
          "{},{},{},{},{},{},{},{:.6f},{:.6f},{}\n", csv_field(result.trace.string()),
          csv_field(result.strategies[cell.strategy].text()), unit_of(cell.capacity),
          cell.capacity.amount, result.sizes[cell.size].text, counts.requests, counts.misses,
          counts.miss_ratio(), counts.byte_miss_ratio(), counts.bypassed);
    }
  }
  return text;
}

std::string to_json(std::span<const SweepResult> results) {
  Json document{{"traces", Json::array()}};
  for (const SweepResult& result : results) document["traces"].push_back(trace_json(result));
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tarmac
