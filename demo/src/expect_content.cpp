// Expectations about what is where: values, present, missing, store, ttl, state, same_as.
#include <tarmac/demo/words.h>

#include "bounds.h"
#include "key_pattern.h"
#include "reading.h"

#include <algorithm>
#include <array>

namespace tarmac::demo {
namespace {

/// The value of one key, without counting the look: the key of a store is that of the cache.
std::optional<std::string> value_in(DemoCache& cache, const std::string& key) {
  std::optional<std::string> found;
  cache.for_each([&](const std::string& one, const std::string& value) {
    if (one == key) found = value;
  });
  return found;
}

std::string as_quoted(const std::optional<std::string>& value) {
  return value ? "\"" + shortened(*value) + "\"" : "nothing";
}

Check check_at(const YamlNode& node, std::string subject) {
  Check check;
  check.subject = std::move(subject);
  check.line = node.line;
  return check;
}

/// The patterns of a list, or the one of a scalar.
std::vector<KeyPattern> read_keys(const YamlNode& node) {
  std::vector<KeyPattern> keys;
  if (!node.is_list()) return {KeyPattern::read(node)};
  for (const auto& element : node.children) keys.push_back(KeyPattern::read(element));
  if (keys.empty()) throw node.error("no key is named", "name one, or remove the line");
  return keys;
}

void read_values(const YamlNode& node, const ReadContext&, std::vector<Check>& checks) {
  for (const auto& child : as_map(node, "values")) {
    auto check = check_at(child, "value of " + child.key);
    const auto keys = KeyPattern::read_key(child);
    const auto wanted = as_text(child);
    check.judge = [keys, wanted](Stage&, StageCache& on, const StepOutput&) -> Verdict {
      Verdict verdict{true, as_quoted(wanted), as_quoted(wanted)};
      const auto content = keys.is_single() ? Content{} : content_of(on.cache());
      keys.for_each([&](const std::string& key, std::uint64_t index) {
        if (!verdict.passed) return;
        const auto expected = keys.value_at(index, wanted);
        std::optional<std::string> found;
        if (keys.is_single()) {
          found = value_in(on.cache(), key);
        } else if (const auto at = content.find(key); at != content.end()) {
          found = at->second;
        }
        if (found != expected)
          verdict = {false, as_quoted(expected), as_quoted(found) + " for " + key};
      });
      return verdict;
    };
    checks.push_back(std::move(check));
  }
}

void read_presence(const YamlNode& node, bool wanted, std::vector<Check>& checks) {
  for (const auto& keys : read_keys(node)) {
    auto check = check_at(node, (wanted ? "present " : "missing ") + keys.text());
    check.judge = [keys, wanted](Stage&, StageCache& on, const StepOutput&) -> Verdict {
      std::uint64_t there = 0;
      keys.for_each([&](const std::string& key, std::uint64_t) {
        there += on.cache().contains(key) ? 1U : 0U;
      });
      const auto expected = wanted ? keys.size() : 0;
      if (keys.is_single()) {
        return {there == expected, wanted ? "there" : "not there",
                there == 0 ? "not there" : "there"};
      }
      return {there == expected, grouped(expected) + " of " + grouped(keys.size()),
              grouped(there) + " of them"};
    };
    checks.push_back(std::move(check));
  }
}

void read_present(const YamlNode& node, const ReadContext&, std::vector<Check>& checks) {
  read_presence(node, true, checks);
}

void read_missing(const YamlNode& node, const ReadContext&, std::vector<Check>& checks) {
  read_presence(node, false, checks);
}

void need_store(const YamlNode& node, const ReadContext& context) {
  if (!context.cache->store) {
    throw node.error_at_key("the cache \"" + context.cache->options.name + "\" has no store",
                            "give it one in `caches`, or remove the expectation");
  }
}

std::optional<std::string> stored(Stage& stage, StageCache& on, const std::string& key) {
  const auto found = on.store()->load(key, stage.clock().wall_now());
  return found ? std::optional(found->bytes) : std::nullopt;
}

void read_store(const YamlNode& node, const ReadContext& context, std::vector<Check>& checks) {
  need_store(node, context);
  for (const auto& child : as_map(node, "store")) {
    auto check = check_at(child, "stored value of " + child.key);
    const auto key = child.key;
    const auto wanted = as_text(child);
    check.judge = [key, wanted](Stage& stage, StageCache& on, const StepOutput&) -> Verdict {
      const auto found = stored(stage, on, key);
      return {found == wanted, as_quoted(wanted), as_quoted(found)};
    };
    checks.push_back(std::move(check));
  }
}

void read_store_missing(const YamlNode& node, const ReadContext& context,
                        std::vector<Check>& checks) {
  need_store(node, context);
  for (const auto& keys : read_keys(node)) {
    auto check = check_at(node, "not stored " + keys.text());
    check.judge = [keys](Stage& stage, StageCache& on, const StepOutput&) -> Verdict {
      std::uint64_t there = 0;
      keys.for_each([&](const std::string& key, std::uint64_t) {
        there += stored(stage, on, key) ? 1U : 0U;
      });
      return {there == 0, "not in the store", grouped(there) + " in the store"};
    };
    checks.push_back(std::move(check));
  }
}

void read_store_size(const YamlNode& node, const ReadContext& context, std::vector<Check>& checks) {
  need_store(node, context);
  auto check = check_at(node, "store size");
  const auto bounds = Bounds::of_count(node);
  check.judge = [bounds](Stage&, StageCache& on, const StepOutput&) -> Verdict {
    const auto found = on.store()->size();
    return {bounds.hold(static_cast<double>(found)), bounds.text(), grouped(found)};
  };
  checks.push_back(std::move(check));
}

void read_ttl(const YamlNode& node, const ReadContext&, std::vector<Check>& checks) {
  for (const auto& child : as_map(node, "ttl")) {
    auto check = check_at(child, "remaining ttl of " + child.key);
    const auto key = child.key;
    const bool wants_none = child.is_scalar() && child.text == "none";
    const auto bounds = wants_none ? std::nullopt : std::optional(Bounds::of_duration(child));
    check.judge = [key, bounds](Stage&, StageCache& on, const StepOutput&) -> Verdict {
      const auto expected = bounds ? bounds->text() : "none";
      const auto info = on.cache().inspect(key);
      if (!info) return {false, expected, "no entry"};
      if (!info->remaining_ttl) return {!bounds, expected, "none"};
      const auto left = *info->remaining_ttl;
      return {bounds && bounds->hold(static_cast<double>(left.count())), expected,
              duration_words(left)};
    };
    checks.push_back(std::move(check));
  }
}

void read_state(const YamlNode& node, const ReadContext&, std::vector<Check>& checks) {
  static const std::array<std::string, 3> known{"clean", "dirty", "flushing"};
  for (const auto& child : as_map(node, "state")) {
    auto check = check_at(child, "state of " + child.key);
    const auto key = child.key;
    const auto wanted = as_choice(child, "state", known);
    check.judge = [key, wanted](Stage&, StageCache& on, const StepOutput&) -> Verdict {
      const auto info = on.cache().inspect(key);
      const std::string found = info ? std::string(to_string(info->state)) : "no entry";
      return {found == wanted, wanted, found};
    };
    checks.push_back(std::move(check));
  }
}

/// The first key in which the two differ, for people.
std::string difference(const Content& then, const Content& now) {
  for (const auto& [key, value] : then) {
    const auto at = now.find(key);
    if (at == now.end()) return "without " + shortened(key);
    if (at->second != value) {
      return "\"" + shortened(at->second) + "\" for " + shortened(key) + ", which was \"" +
             shortened(value) + "\"";
    }
  }
  for (const auto& [key, value] : now) {
    if (!then.contains(key)) return "with " + shortened(key);
  }
  return "the same";
}

void read_same_as(const YamlNode& node, const ReadContext& context, std::vector<Check>& checks) {
  auto check = check_at(node, "content");
  const auto name = read_snapshot_name(node, context);
  check.judge = [name](Stage&, StageCache& on, const StepOutput&) -> Verdict {
    const auto& then = on.snapshots().at(name).content;
    const auto now = content_of(on.cache());
    return {then == now, "the same as in \"" + name + "\"", difference(then, now)};
  };
  checks.push_back(std::move(check));
}

void read_differs_from(const YamlNode& node, const ReadContext& context,
                       std::vector<Check>& checks) {
  auto check = check_at(node, "content");
  const auto name = read_snapshot_name(node, context);
  check.judge = [name](Stage&, StageCache& on, const StepOutput&) -> Verdict {
    const auto found = difference(on.snapshots().at(name).content, content_of(on.cache()));
    return {found != "the same", "not the same as in \"" + name + "\"", found};
  };
  checks.push_back(std::move(check));
}

constexpr std::array<ExpectationKind, 10> kContentExpectations{{
    {"values", "keys and the values they have", read_values},
    {"present", "keys that are there", read_present},
    {"missing", "keys that are not there", read_missing},
    {"ttl", "keys and what remains of their time to live", read_ttl},
    {"state", "keys and whether they are clean or dirty", read_state},
    {"store", "keys and the values they have in the store", read_store},
    {"store_missing", "keys that are not in the store", read_store_missing},
    {"store_size", "how many keys the store has", read_store_size},
    {"same_as", "a snapshot with the same content", read_same_as},
    {"differs_from", "a snapshot with other content", read_differs_from},
}};

}  // namespace

std::span<const ExpectationKind> content_expectations() { return kContentExpectations; }

}  // namespace tarmac::demo
