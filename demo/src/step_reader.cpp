// From one element of `steps` to a Step: which kind it is, and what is expected of it.
#include "reading.h"

#include <algorithm>

namespace tarmac::demo {
namespace {

constexpr std::string_view kCache = "cache";
constexpr std::string_view kExpect = "expect";
constexpr std::string_view kIfOwnTrace = "if_own_trace";

const std::vector<StepKind>& all_steps() {
  static const std::vector<StepKind> all = [] {
    std::vector<StepKind> kinds;
    for (const auto part : {entry_steps(), command_steps(), part_steps(), load_steps(),
                            loading_steps(), show_steps()}) {
      kinds.insert(kinds.end(), part.begin(), part.end());
    }
    return kinds;
  }();
  return all;
}

const std::vector<ExpectationKind>& all_expectations() {
  static const std::vector<ExpectationKind> all = [] {
    std::vector<ExpectationKind> kinds;
    for (const auto part : {state_expectations(), content_expectations()}) {
      kinds.insert(kinds.end(), part.begin(), part.end());
    }
    return kinds;
  }();
  return all;
}

template <class Kinds>
auto kind_of(const Kinds& kinds, std::string_view name) {
  return std::find_if(kinds.begin(), kinds.end(),
                      [&](const auto& kind) { return kind.name == name; });
}

std::vector<std::string> step_names() {
  std::vector<std::string> names;
  for (const auto& kind : all_steps()) names.emplace_back(kind.name);
  return names;
}

/// A step without settings, written as a plain word.
Step read_word(const YamlNode& node, const ReadContext& context) {
  const auto names = step_names();
  const auto kind = kind_of(all_steps(), as_choice(node, "step", names));
  if (kind->has_value) {
    throw node.error("the step \"" + node.text + "\" needs a value",
                     "write `" + node.text + ": …`");
  }
  Step step;
  step.kind = kind->name;
  step.action = kind->read(node, context);
  return step;
}

/// The child that says what kind of step this is; null for a step that only expects.
const YamlNode* kind_child(const YamlNode& node) {
  auto known = step_names();
  known.emplace_back(kCache);
  known.emplace_back(kExpect);
  static_cast<void>(MapReader(node, known));
  const YamlNode* found = nullptr;
  for (const auto& child : node.children) {
    if (child.key == kCache || child.key == kExpect) continue;
    if (found != nullptr) {
      throw child.error_at_key(
          "a step does one thing, and this one does \"" + found->key + "\" already",
          "begin a new step: `- " + child.key + ": …`");
    }
    found = &child;
  }
  if (found == nullptr && node.find(kExpect) == nullptr) {
    throw node.error("the step does nothing", "name what it does, for example `get: KEY`");
  }
  return found;
}

void read_kind(const YamlNode& child, const ReadContext& context, Step& step) {
  const auto kind = kind_of(all_steps(), child.key);
  if (!kind->has_value && !child.is_null()) {
    throw child.error("the step \"" + child.key + "\" takes no value",
                      "write nothing behind `" + child.key + ":`");
  }
  step.kind = kind->name;
  step.action = kind->read(child, context);
}

template <class Kinds>
std::vector<KindDescription> described(const Kinds& kinds) {
  std::vector<KindDescription> list;
  list.reserve(kinds.size());
  for (const auto& kind : kinds) {
    list.push_back({std::string(kind.name), std::string(kind.summary)});
  }
  return list;
}

}  // namespace

std::vector<KindDescription> step_kinds() {
  auto list = described(all_steps());
  list.push_back({std::string(kExpect), "what must be true now"});
  return list;
}

std::vector<KindDescription> expectation_kinds() {
  auto list = described(all_expectations());
  list.push_back({std::string(kIfOwnTrace), "leaves all of this out under --trace"});
  return list;
}

const std::vector<YamlNode>& as_map(const YamlNode& node, std::string_view of_what) {
  if (!node.is_map() || node.children.empty()) {
    throw node.error("`" + std::string(of_what) + "` needs a map that is not empty",
                     "write `" + std::string(of_what) + ": {NAME: VALUE}`");
  }
  return node.children;
}

std::vector<Check> read_expectations(const YamlNode& node, const ReadContext& context) {
  std::vector<std::string> known;
  for (const auto& kind : expectation_kinds()) known.push_back(kind.name);
  static_cast<void>(as_map(node, kExpect));
  const MapReader map(node, known);
  const bool skipped =
      map.get_bool(kIfOwnTrace).value_or(false) && context.trace != nullptr && *context.trace;
  std::vector<Check> checks;
  for (const auto& child : node.children) {
    if (child.key == kIfOwnTrace) continue;
    kind_of(all_expectations(), child.key)->read(child, context, checks);
  }
  for (auto& check : checks) check.skipped = skipped;
  return checks;
}

Step read_step(const YamlNode& node, const ReadContext& context) {
  if (node.is_scalar()) {
    auto step = read_word(node, context);
    step.line = node.line;
    return step;
  }
  const auto* child = kind_child(node);
  Step step;
  step.line = node.line;
  step.kind = kExpect;
  if (child != nullptr) {
    step.line = child->key_line;
    read_kind(*child, context, step);
  } else {
    step.action = [](Stage&, StageCache& on) { return StepOutput{on.name(), {}}; };
  }
  if (const auto* expect = node.find(kExpect)) step.checks = read_expectations(*expect, context);
  return step;
}

}  // namespace tarmac::demo
