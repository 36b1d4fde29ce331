// Expectations about the cache as a whole, what it did and what was heard of it.
#include <tarmac/demo/words.h>

#include "bounds.h"
#include "figures.h"
#include "reading.h"

#include <array>

namespace tarmac::demo {
namespace {

using Judge = std::function<Verdict(Stage&, StageCache&, const StepOutput&)>;

Check make_check(const YamlNode& node, std::string subject, Judge judge) {
  Check check;
  check.subject = std::move(subject);
  check.line = node.line;
  check.judge = std::move(judge);
  return check;
}

void read_result(const YamlNode& node, const ReadContext&, std::vector<Check>& checks) {
  static const std::array<std::string, 22> known{
      "hit",       "miss",     "mixed",      "stored", "too_large", "already_expired",
      "erased",    "changed",  "unchanged",  "done",   "nothing",   "conflict",
      "not_there", "complete", "incomplete", "cached", "loaded",    "stale",
      "failed",    "one",      "many",       "none"};
  const auto wanted = as_choice(node, "result", known);
  checks.push_back(
      make_check(node, "result", [wanted](Stage&, StageCache&, const StepOutput& step) -> Verdict {
        const std::string found = step.result.empty() ? "none" : step.result;
        return {found == wanted, wanted, found};
      }));
}

void read_size(const YamlNode& node, const ReadContext&, std::vector<Check>& checks) {
  const auto bounds = Bounds::of_count(node);
  checks.push_back(
      make_check(node, "size", [bounds](Stage&, StageCache& on, const StepOutput&) -> Verdict {
        const auto found = on.cache().size();
        return {bounds.hold(static_cast<double>(found)), bounds.text(), grouped(found)};
      }));
}

void read_weight(const YamlNode& node, const ReadContext&, std::vector<Check>& checks) {
  const auto bounds = Bounds::of_count(node);
  checks.push_back(
      make_check(node, "weight", [bounds](Stage&, StageCache& on, const StepOutput&) -> Verdict {
        const auto found = on.cache().weight();
        return {bounds.hold(static_cast<double>(found)), bounds.text(), grouped(found)};
      }));
}

void read_stats(const YamlNode& node, const ReadContext&, std::vector<Check>& checks) {
  static_cast<void>(as_map(node, "stats"));
  static_cast<void>(MapReader(node, figure_names()));
  for (const auto& child : node.children) {
    const auto name = child.key;
    const auto bounds = is_ratio(name) ? Bounds::of_ratio(child) : Bounds::of_count(child);
    checks.push_back(make_check(
        child, name, [name, bounds](Stage&, StageCache& on, const StepOutput&) -> Verdict {
          const auto found = figure_of(on.cache().stats(), name);
          return {bounds.hold(found), bounds.text(),
                  is_ratio(name) ? decimal(found) : grouped(static_cast<std::uint64_t>(found))};
        }));
  }
}

void read_strategy(const YamlNode& node, const ReadContext&, std::vector<Check>& checks) {
  const auto names = strategy_registry().names();
  const auto wanted = as_choice(node, "eviction strategy", names);
  checks.push_back(
      make_check(node, "strategy", [wanted](Stage&, StageCache& on, const StepOutput&) -> Verdict {
        const auto found = on.cache().describe().strategy;
        return {found == wanted, wanted, found};
      }));
}

void read_write_policy(const YamlNode& node, const ReadContext&, std::vector<Check>& checks) {
  const auto names = write_policy_registry().names();
  const auto wanted = as_choice(node, "write policy", names);
  checks.push_back(make_check(node, "write policy",
                              [wanted](Stage&, StageCache& on, const StepOutput&) -> Verdict {
                                const auto found = on.cache().describe().write_policy;
                                return {found == wanted, wanted, found};
                              }));
}

std::string joined(const std::vector<std::string>& keys) {
  constexpr std::size_t kShown = 12;
  std::string text;
  for (std::size_t i = 0; i < keys.size() && i < kShown; ++i) {
    text += (i == 0 ? "" : ", ") + shortened(keys[i]);
  }
  if (keys.size() > kShown) text += ", and " + std::to_string(keys.size() - kShown) + " more";
  return "[" + text + "]";
}

std::vector<std::string> read_texts(const YamlNode& node) {
  std::vector<std::string> texts;
  for (const auto& element : as_list(node)) texts.push_back(as_text(element));
  return texts;
}

void read_heard(const YamlNode& node, std::vector<std::string> Heard::*list, std::string subject,
                std::vector<Check>& checks) {
  const auto wanted = read_texts(node);
  checks.push_back(make_check(node, std::move(subject),
                              [wanted, list](Stage&, StageCache& on, const StepOutput&) -> Verdict {
                                const auto found = on.heard().*list;
                                return {found == wanted, joined(wanted), joined(found)};
                              }));
}

void read_evicted(const YamlNode& node, const ReadContext&, std::vector<Check>& checks) {
  read_heard(node, &Heard::evicted, "evicted", checks);
}

void read_expired(const YamlNode& node, const ReadContext&, std::vector<Check>& checks) {
  read_heard(node, &Heard::expired, "expired", checks);
}

void read_deleted(const YamlNode& node, const ReadContext&, std::vector<Check>& checks) {
  read_heard(node, &Heard::deleted, "deleted", checks);
}

void read_events(const YamlNode& node, const ReadContext&, std::vector<Check>& checks) {
  std::vector<std::string> names;
  for (const auto type : all_event_types()) names.emplace_back(to_string(type));
  static_cast<void>(as_map(node, "events"));
  static_cast<void>(MapReader(node, names));
  for (const auto& child : node.children) {
    const auto index = static_cast<std::size_t>(event_type_from(child.key).value());
    const auto bounds = Bounds::of_count(child);
    checks.push_back(make_check(
        child, child.key, [index, bounds](Stage&, StageCache& on, const StepOutput&) -> Verdict {
          const auto found = on.heard().counts.at(index);
          return {bounds.hold(static_cast<double>(found)), bounds.text(), grouped(found)};
        }));
  }
}

constexpr std::array<ExpectationKind, 10> kStateExpectations{{
    {"result", "the word that the step itself answered", read_result},
    {"size", "entries that are not expired", read_size},
    {"weight", "the sum of the weights", read_weight},
    {"stats", "figures of the cache", read_stats},
    {"strategy", "the eviction strategy at work", read_strategy},
    {"write_policy", "the write policy at work", read_write_policy},
    {"evicted", "every key evicted so far, in order", read_evicted},
    {"expired", "every key expired so far, in order", read_expired},
    {"deleted", "every key deleted so far, in order", read_deleted},
    {"events", "how often each type of event was heard", read_events},
}};

}  // namespace

std::span<const ExpectationKind> state_expectations() { return kStateExpectations; }

}  // namespace tarmac::demo
