#include <tarmac/config/yaml_document.h>
#include <tarmac/core/parameters.h>

#include "yaml_text.h"

#include <algorithm>

namespace tarmac {
namespace {

using internal::found;
using internal::placed_message;
using internal::shown;

std::string list_of(std::span<const std::string> names) {
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

/// "did you mean "x"?" and all there are.
std::string mend_of(std::string_view name, std::span<const std::string> known,
                    const std::string& verb) {
  const auto near = nearest_name(name, known);
  if (near.empty()) return verb + " one of: " + list_of(known);
  return "did you mean \"" + std::string(near) + "\"? (known: " + list_of(known) + ")";
}

}  // namespace

std::string internal::found(const YamlNode& node) {
  if (node.is_map()) return "found a map";
  if (node.is_list()) return "found a list";
  if (node.is_null()) return "found nothing";
  return "found " + shown(node.text);
}

bool YamlNode::is_null() const noexcept {
  return is_scalar() && !quoted &&
         (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL");
}

const YamlNode* YamlNode::find(std::string_view name) const noexcept {
  if (!is_map()) return nullptr;
  const auto child = std::find_if(children.begin(), children.end(),
                                  [&](const YamlNode& one) { return one.key == name; });
  return child == children.end() ? nullptr : &*child;
}

ConfigError YamlNode::error(std::string_view wrong, std::string_view mend) const {
  return ConfigError(placed_message(file ? *file : "", {line, column}, path, wrong, mend));
}

ConfigError YamlNode::error_at_key(std::string_view wrong, std::string_view mend) const {
  return ConfigError(placed_message(file ? *file : "", {key_line, key_column}, path, wrong, mend));
}

const std::vector<YamlNode>& as_list(const YamlNode& node) {
  if (!node.is_list()) {
    throw node.error("expected a list, " + found(node), "write its elements as lines with a dash");
  }
  return node.children;
}

const std::string& as_choice(const YamlNode& node, std::string_view kind,
                             std::span<const std::string> choices) {
  const auto& text = as_text(node);
  const auto found_choice = std::find(choices.begin(), choices.end(), text);
  if (found_choice == choices.end()) {
    throw node.error("unknown " + std::string(kind) + " " + shown(text),
                     mend_of(text, choices, "write"));
  }
  return *found_choice;
}

MapReader::MapReader(const YamlNode& node, std::span<const std::string> known)
    : node_(&node), known_(known.begin(), known.end()) {
  if (!node.is_map()) {
    throw node.error("expected a map of keys and values, " + found(node),
                     "write lines of `key: value` with one of: " + list_of(known));
  }
  for (const auto& child : node.children) {
    if (std::find(known.begin(), known.end(), child.key) != known.end()) continue;
    throw child.error_at_key("unknown key " + shown(child.key), mend_of(child.key, known, "write"));
  }
}

const YamlNode* MapReader::find(std::string_view key) const {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
    throw UsageError("MapReader was not told of the key \"" + std::string(key) +
                     "\"; add it to the list of known keys");
  }
  return node_->find(key);
}

const YamlNode& MapReader::require(std::string_view key) const {
  const auto* child = find(key);
  if (child == nullptr) {
    throw node_->error("the key \"" + std::string(key) + "\" is missing",
                       "add `" + std::string(key) + ": ...`");
  }
  return *child;
}

std::optional<std::uint64_t> MapReader::get_uint(std::string_view key,
                                                 YamlRange<std::uint64_t> range) const {
  const auto* child = find(key);
  return child == nullptr ? std::nullopt : std::optional(as_uint(*child, range));
}

std::optional<std::int64_t> MapReader::get_int(std::string_view key,
                                               YamlRange<std::int64_t> range) const {
  const auto* child = find(key);
  return child == nullptr ? std::nullopt : std::optional(as_int(*child, range));
}

std::optional<double> MapReader::get_double(std::string_view key, YamlRange<double> range) const {
  const auto* child = find(key);
  return child == nullptr ? std::nullopt : std::optional(as_double(*child, range));
}

std::optional<bool> MapReader::get_bool(std::string_view key) const {
  const auto* child = find(key);
  return child == nullptr ? std::nullopt : std::optional(as_bool(*child));
}

std::optional<std::string> MapReader::get_string(std::string_view key) const {
  const auto* child = find(key);
  return child == nullptr ? std::nullopt : std::optional(as_string(*child));
}

std::optional<std::string> MapReader::get_text(std::string_view key) const {
  const auto* child = find(key);
  return child == nullptr ? std::nullopt : std::optional(as_text(*child));
}

std::optional<YamlDuration> MapReader::get_duration(std::string_view key,
                                                    YamlRange<YamlDuration> range) const {
  const auto* child = find(key);
  return child == nullptr ? std::nullopt : std::optional(as_duration(*child, range));
}

std::optional<std::uint64_t> MapReader::get_bytes(std::string_view key,
                                                  YamlRange<std::uint64_t> range) const {
  const auto* child = find(key);
  return child == nullptr ? std::nullopt : std::optional(as_bytes(*child, range));
}

}  // namespace tarmac
