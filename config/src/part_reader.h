// How a part (strategy, policy, store) is spelt: a name, or a map with its name and parameters.
#pragma once

#include <tarmac/config/config.h>
#include <tarmac/config/yaml_document.h>

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace tarmac::internal {

/// What to know of one kind of part.
struct PartKind {
  /// In messages: "eviction strategy".
  std::string_view title;
  /// The key of the name in the form with parameters: `strategy`.
  std::string_view name_key;
  /// The names there are.
  std::vector<std::string> names;
  /// Makes a part and drops it. Throws tarmac::Error for what cannot be made.
  std::function<void(const std::string& name, const Parameters& parameters)> probe;
};

/// Reads the part at `node` and makes one to see that it can be made. Throws ConfigError at the
/// name, or at the parameter that is to blame.
[[nodiscard]] PartConfig read_part(const YamlNode& node, const PartKind& kind);

}  // namespace tarmac::internal
