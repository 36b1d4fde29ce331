#include "part_reader.h"

#include <tarmac/core/error.h>

#include "yaml_text.h"

#include <optional>

namespace tarmac::internal {
namespace {

using Children = std::vector<const YamlNode*>;

Parameters parameters_of(const Children& children, const YamlNode* left_out = nullptr) {
  Parameters parameters;
  for (const auto* child : children) {
    if (child != left_out) parameters.set(child->key, child->text);
  }
  return parameters;
}

/// What making the part says against it; empty if it can be made.
std::optional<std::string> complaint(const PartKind& kind, const std::string& name,
                                     const Parameters& parameters) {
  try {
    kind.probe(name, parameters);
  } catch (const Error& error) {
    return error.what();
  }
  return std::nullopt;
}

/// Words a message of a part in the one form of this room.
ConfigError placed(const YamlNode& node, const std::string& message) {
  const auto mend = message.find("; ");
  const bool has_mend = mend != std::string::npos;
  const auto wrong = message.substr(0, mend);
  const std::string_view rest =
      has_mend ? std::string_view(message).substr(mend + 2) : "correct this value";
  // Core says this of a parameter that the part never asked for: then the key is wrong.
  if (wrong.find("has no parameter") != std::string::npos) return node.error_at_key(wrong, rest);
  return node.error(wrong, rest);
}

/// A part names the parameter it does not like, but not its place. The one to blame is the one
/// without which the part can be made; if several are wrong, the first that is wrong alone.
void blame(const YamlNode& node, const PartKind& kind, const std::string& name,
           const Children& children) {
  const auto whole = complaint(kind, name, parameters_of(children));
  if (!whole) return;
  for (const auto* child : children) {
    if (!complaint(kind, name, parameters_of(children, child))) throw placed(*child, *whole);
  }
  for (const auto* child : children) {
    if (const auto alone = complaint(kind, name, parameters_of({child}))) {
      throw placed(*child, *alone);
    }
  }
  throw placed(node, *whole);
}

/// Parameters reach a part as text, which hides quotes from it. A quoted number is text: if the
/// part would not take any other text, it wanted a number.
void refuse_quoted_values(const PartKind& kind, const std::string& name, const Children& children) {
  for (const auto* child : children) {
    if (!child->quoted || !reads_as_no_text(child->text)) continue;
    auto parameters = parameters_of(children);
    parameters.set(child->key, child->text + " ");
    if (complaint(kind, name, parameters)) {
      throw child->error(shown(child->text) + " is in quotes, which make it text",
                         "remove the quotes");
    }
  }
}

}  // namespace

PartConfig read_part(const YamlNode& node, const PartKind& kind) {
  if (node.is_list()) {
    throw node.error("expected the name of a part, found a list", "write a name, or a map with `" +
                                                                      std::string(kind.name_key) +
                                                                      ": NAME` and its parameters");
  }
  PartConfig part;
  Children children;
  if (node.is_map()) {
    const auto* name = node.find(kind.name_key);
    if (name == nullptr) {
      throw node.error("the key \"" + std::string(kind.name_key) + "\" is missing",
                       "add `" + std::string(kind.name_key) + ": NAME`");
    }
    part.name = as_choice(*name, kind.title, kind.names);
    for (const auto& child : node.children) {
      if (&child == name) continue;
      static_cast<void>(as_text(child));
      if (!child.quoted) refuse_odd_number(child, child.text);
      children.push_back(&child);
    }
  } else {
    part.name = as_choice(node, kind.title, kind.names);
  }
  part.parameters = parameters_of(children);
  blame(node, kind, part.name, children);
  refuse_quoted_values(kind, part.name, children);
  return part;
}

}  // namespace tarmac::internal
