// The pieces of a cache file, for other files that spell them the same way.
#pragma once

#include <tarmac/config/config.h>
#include <tarmac/config/yaml_document.h>

#include <optional>

namespace tarmac {

// Each checks its piece by making it once, as load_config_file() does, and throws ConfigError at
// the first place that is wrong.

/// One element of `caches`.
[[nodiscard]] CacheConfig read_cache_piece(const YamlNode& node);
/// The value of `eviction`: a name, or a map with `strategy` and its parameters.
[[nodiscard]] PartConfig read_eviction_piece(const YamlNode& node);
/// The value of `write_policy`: a name, or a map with `policy` and its parameters. `store` is what
/// the policy would write to.
[[nodiscard]] PartConfig read_write_policy_piece(const YamlNode& node,
                                                 const std::optional<PartConfig>& store);

}  // namespace tarmac
