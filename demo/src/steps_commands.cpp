// Steps about commands: command, undo, redo.
#include <tarmac/demo/words.h>

#include "reading.h"

#include <fmt/format.h>

#include <array>
#include <variant>

namespace tarmac::demo {
namespace {

using Set = SetCommand<std::string, std::string>;
using Delete = DeleteCommand<std::string>;
using Macro = MacroCommand<std::string, std::string>;

std::string read_key(const YamlNode& node) {
  const auto& key = as_text(node);
  if (key.empty()) throw node.error("the key is empty", "write at least one character");
  return key;
}

Set read_set(const YamlNode& node) {
  static const std::array<std::string, 4> known{"key", "value", "ttl", "weight"};
  const MapReader map(node, known);
  return {read_key(map.require("key")), as_text(map.require("value")), read_set_options(map)};
}

/// The one child of a map that may have one of `known`.
const YamlNode& only_child(const YamlNode& node, std::span<const std::string> known) {
  const MapReader map(node, known);
  if (node.children.size() != 1) {
    throw node.error("expected one command, found " + std::to_string(node.children.size()),
                     "write one for each step, or a `macro` of several");
  }
  return node.children.front();
}

Macro read_macro(const YamlNode& node) {
  static const std::array<std::string, 2> known{"set", "delete"};
  Macro macro;
  for (const auto& element : as_list(node)) {
    const auto& child = only_child(element, known);
    if (child.key == "set") {
      macro.add(read_set(child));
    } else {
      macro.add(Delete(read_key(child)));
    }
  }
  if (macro.steps().empty()) throw node.error("the macro is empty", "add a `set` or a `delete`");
  return macro;
}

template <class Command>
StepAction executing(std::string subject, Command command) {
  return [subject = std::move(subject), command = std::move(command)](Stage&, StageCache& on) {
    const bool changed = on.cache().execute(command);
    return StepOutput{subject, changed ? "executed" : "nothing to change",
                      changed ? "changed" : "unchanged"};
  };
}

StepAction read_command(const YamlNode& node, const ReadContext&) {
  static const std::array<std::string, 3> known{"set", "delete", "macro"};
  const auto& child = only_child(node, known);
  if (child.key == "set") {
    auto command = read_set(child);
    auto subject = fmt::format("set {} = {}", command.key, shortened(command.value, 24));
    return executing(std::move(subject), std::move(command));
  }
  if (child.key == "delete") {
    Delete command(read_key(child));
    auto subject = "delete " + command.key;
    return executing(std::move(subject), std::move(command));
  }
  auto macro = read_macro(child);
  auto subject = "macro of " + std::to_string(macro.steps().size());
  return executing(std::move(subject), std::move(macro));
}

StepOutput say(UndoOutcome outcome, std::uint64_t depth) {
  const auto left = counted(depth, "more", "more");
  switch (outcome) {
    case UndoOutcome::done:
      return {left + " to go", "done", "done"};
    case UndoOutcome::nothing:
      return {"", "the history is empty", "nothing"};
    case UndoOutcome::conflict:
      return {left + " to go", "conflict: another write came since", "conflict"};
  }
  return {};
}

StepAction read_undo(const YamlNode&, const ReadContext&) {
  return [](Stage&, StageCache& on) {
    const auto outcome = on.cache().undo();
    return say(outcome, on.cache().stats().undo_depth);
  };
}

StepAction read_redo(const YamlNode&, const ReadContext&) {
  return [](Stage&, StageCache& on) {
    const auto outcome = on.cache().redo();
    return say(outcome, on.cache().stats().redo_depth);
  };
}

constexpr std::array<StepKind, 3> kCommandSteps{{
    {"command", "executes a set, a delete or a macro, which undo can take back", true,
     read_command},
    {"undo", "takes the last command back", false, read_undo},
    {"redo", "repeats the last command taken back", false, read_redo},
}};

}  // namespace

std::span<const StepKind> command_steps() { return kCommandSteps; }

}  // namespace tarmac::demo
