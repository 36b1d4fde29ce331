// Steps about single entries: set, get, erase, clear, purge, resize, advance.
#include <tarmac/demo/words.h>

#include "key_pattern.h"
#include "reading.h"

#include <fmt/format.h>

#include <array>

namespace tarmac::demo {
namespace {

std::string_view to_word(SetOutcome outcome) {
  switch (outcome) {
    case SetOutcome::stored:
      return "stored";
    case SetOutcome::too_large:
      return "too_large";
    case SetOutcome::already_expired:
      return "already_expired";
  }
  return "";
}

StepAction read_set(const YamlNode& node, const ReadContext&) {
  static const std::array<std::string, 4> known{"key", "value", "ttl", "weight"};
  const MapReader map(node, known);
  const auto keys = KeyPattern::read(map.require("key"));
  const auto value = as_text(map.require("value"));
  const auto options = read_set_options(map);
  return [keys, value, options](Stage&, StageCache& on) {
    std::uint64_t stored = 0;
    SetOutcome last = SetOutcome::stored;
    keys.for_each([&](const std::string& key, std::uint64_t index) {
      last = on.cache().set(key, keys.value_at(index, value), options);
      if (last == SetOutcome::stored) ++stored;
    });
    StepOutput output{fmt::format("{} = {}", keys.text(), shortened(value, 24)), {}};
    if (keys.is_single()) {
      output.result = to_word(last);
      output.outcome = output.result;
    } else {
      output.result = stored == keys.size() ? "stored" : "mixed";
      output.outcome = grouped(stored) + " stored";
    }
    if (options.ttl) output.outcome += ", ttl " + duration_words(*options.ttl);
    return output;
  };
}

StepAction read_get(const YamlNode& node, const ReadContext&) {
  static const std::array<std::string, 2> known{"key", "times"};
  std::uint64_t times = 1;
  const YamlNode* key_node = &node;
  if (node.is_map()) {
    const MapReader map(node, known);
    key_node = &map.require("key");
    times = map.get_uint("times", {1, 1'000'000}).value_or(1);
  }
  const auto keys = KeyPattern::read(*key_node);
  return [keys, times](Stage&, StageCache& on) {
    std::uint64_t hits = 0;
    std::optional<std::string> last;
    for (std::uint64_t round = 0; round < times; ++round) {
      keys.for_each([&](const std::string& key, std::uint64_t) {
        last = on.cache().get(key);
        if (last) ++hits;
      });
    }
    const auto gets = keys.size() * times;
    StepOutput output{keys.text(), {}};
    output.result = hits == gets ? "hit" : hits == 0 ? "miss" : "mixed";
    if (gets == 1) {
      output.outcome = last ? "hit: " + shortened(*last) : "miss";
    } else {
      output.outcome = counted(hits, "hit", "hits") + ", " + counted(gets - hits, "miss", "misses");
    }
    return output;
  };
}

StepAction read_erase(const YamlNode& node, const ReadContext&) {
  const auto keys = KeyPattern::read(node);
  return [keys](Stage&, StageCache& on) {
    std::uint64_t erased = 0;
    keys.for_each(
        [&](const std::string& key, std::uint64_t) { erased += on.cache().erase(key) ? 1U : 0U; });
    StepOutput output{keys.text(), {}};
    output.result = erased == keys.size() ? "erased" : erased == 0 ? "not_there" : "mixed";
    output.outcome = erased == 0 ? "not there" : grouped(erased) + " erased";
    return output;
  };
}

StepAction read_clear(const YamlNode&, const ReadContext&) {
  return [](Stage&, StageCache& on) {
    const auto before = on.cache().size();
    on.cache().clear();
    return StepOutput{on.name(), counted(before, "entry", "entries") + " dropped"};
  };
}

StepAction read_purge(const YamlNode&, const ReadContext&) {
  return [](Stage&, StageCache& on) {
    const auto purged = on.cache().purge_expired();
    return StepOutput{on.name(), counted(purged, "expired entry", "expired entries") + " removed"};
  };
}

StepAction read_resize(const YamlNode& node, const ReadContext&) {
  static const std::array<std::string, 2> known{"max_entries", "max_bytes"};
  const MapReader map(node, known);
  const auto entries = map.get_uint("max_entries", {1});
  const auto bytes = map.get_bytes("max_bytes", {1});
  if (!entries && !bytes) throw node.error("no bound is given", "write `max_entries: 100`");
  return [entries, bytes](Stage&, StageCache& on) {
    const auto before = on.cache().describe().capacity;
    const auto evictions = on.cache().stats().evictions;
    on.cache().resize({.max_entries = entries ? entries : before.max_entries,
                       .max_bytes = bytes ? bytes : before.max_bytes});
    const auto evicted = on.cache().stats().evictions - evictions;
    std::string subject = entries ? "to " + counted(*entries, "entry", "entries") : "";
    if (bytes) subject += (entries ? ", " : "to ") + grouped(*bytes) + " bytes";
    return StepOutput{subject, grouped(evicted) + " evicted"};
  };
}

StepAction read_advance(const YamlNode& node, const ReadContext&) {
  const auto duration = as_duration(node, kPositiveDuration);
  constexpr YamlDuration kMost = std::chrono::hours(24 * 365);
  if (duration > kMost) throw node.error("this is more than a year", "write at most 365d");
  return [duration](Stage& stage, StageCache&) {
    stage.clock().advance(duration);
    return StepOutput{duration_words(duration),
                      "the clock shows " + duration_words(stage.clock().passed())};
  };
}

constexpr std::array<StepKind, 7> kEntrySteps{{
    {"set", "sets a key, or a row of keys", true, read_set},
    {"get", "looks keys up; counted, and told to the strategy", true, read_get},
    {"erase", "removes keys, from the store as well", true, read_erase},
    {"clear", "drops all entries; the store keeps its values", false, read_clear},
    {"purge", "removes what has expired", false, read_purge},
    {"resize", "changes the bounds of the cache", true, read_resize},
    {"advance", "moves the clock of the scenario", true, read_advance},
}};

}  // namespace

std::span<const StepKind> entry_steps() { return kEntrySteps; }

SetOptions read_set_options(const MapReader& map) {
  SetOptions options;
  options.ttl = map.get_duration("ttl");
  options.weight = map.get_uint("weight");
  return options;
}

}  // namespace tarmac::demo
