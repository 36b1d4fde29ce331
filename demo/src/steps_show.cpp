// Steps that change nothing: note, print, expect.
#include <tarmac/demo/words.h>

#include "figures.h"
#include "reading.h"

#include <algorithm>
#include <array>

namespace tarmac::demo {
namespace {

constexpr std::size_t kEntriesShown = 20;

Cell number(std::uint64_t value) { return {grouped(value), std::nullopt, true}; }

Table table_of_entries(StageCache& on) {
  Table table{{"key", "value", "state", "visits", "weight", "remaining ttl"}, {}};
  for (const auto& [key, value] : content_of(on.cache())) {
    const auto info = on.cache().inspect(key);
    if (!info) continue;
    if (table.rows.size() == kEntriesShown) {
      const auto left = on.cache().size() - kEntriesShown;
      table.rows.push_back({{counted(left, "more entry", "more entries")}});
      break;
    }
    const auto ttl = info->remaining_ttl ? duration_words(*info->remaining_ttl) : "none";
    table.rows.push_back({{shortened(key)},
                          {shortened(value)},
                          {std::string(to_string(info->state))},
                          number(info->visits),
                          number(info->weight),
                          {ttl}});
  }
  return table;
}

Table table_of_stats(StageCache& on) {
  Table table{{"figure", on.name()}, {}};
  const auto stats = on.cache().stats();
  for (const auto& figure : figures()) {
    const auto count = figure.count(stats);
    if (count != 0) table.rows.push_back({{std::string(figure.name)}, number(count)});
  }
  if (stats.hits + stats.misses > 0) {
    table.rows.push_back({{"hit_ratio"}, {percent(stats.hit_ratio()), stats.hit_ratio()}});
  }
  return table;
}

Table table_of_events(StageCache& on) {
  Table table{{"at", "event", "key", "detail"}, {}};
  for (const auto& line : on.heard().recent) {
    table.rows.push_back({{duration_words(line.at)},
                          {line.type},
                          {shortened(line.key)},
                          {shortened(line.detail, 60)}});
  }
  return table;
}

Table table_of_caches(const Stage& stage) {
  Table table{
      {"cache", "strategy", "gets", "misses", "evictions", "expirations", "entries", "miss ratio"},
      {}};
  for (const auto& one : stage.caches()) {
    const auto stats = one->cache().stats();
    const auto ratio = figure_of(stats, "miss_ratio");
    table.rows.push_back({{one->name()},
                          {one->cache().describe().strategy},
                          number(stats.hits + stats.misses),
                          number(stats.misses),
                          number(stats.evictions),
                          number(stats.expirations),
                          number(stats.current_items),
                          {percent(ratio), ratio}});
  }
  return table;
}

StepAction read_print(const YamlNode& node, const ReadContext&) {
  static const std::array<std::string, 4> known{"entries", "stats", "events", "caches"};
  const auto what = as_choice(node, "table", known);
  return [what](Stage& stage, StageCache& on) {
    StepOutput output{what, {}};
    if (what == "entries") output.tables.push_back(table_of_entries(on));
    if (what == "stats") output.tables.push_back(table_of_stats(on));
    if (what == "events") output.tables.push_back(table_of_events(on));
    if (what == "caches") output.tables.push_back(table_of_caches(stage));
    return output;
  };
}

StepAction read_note(const YamlNode& node, const ReadContext&) {
  const auto text = as_string(node);
  return [text](Stage&, StageCache&) { return StepOutput{text, {}}; };
}

constexpr std::array<StepKind, 2> kShowSteps{{
    {"print", "a table of entries, stats, events or caches", true, read_print},
    {"note", "a line of text", true, read_note},
}};

}  // namespace

std::span<const StepKind> show_steps() { return kShowSteps; }

}  // namespace tarmac::demo
