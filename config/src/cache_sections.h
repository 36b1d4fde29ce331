// The maps within a cache's map.
#pragma once

#include <tarmac/config/config.h>
#include <tarmac/config/yaml_document.h>

#include <string>
#include <vector>

#include "config_reader.h"

namespace tarmac::internal {

/// Reads the values of one map, each in an attempt of its own.
class MapSection {
 public:
  MapSection(const YamlNode& node, const std::string& keys, Problems& problems)
      : map_(node, config_keys().at(keys)), problems_(problems) {}

  /// Calls `read` with the value of `key`, if the map has it.
  template <class Read>
  void with(std::string_view key, const Read& read) const {
    if (const auto* value = map_.find(key)) problems_.attempt([&] { read(*value); });
  }
  /// The same, and a problem if the map does not have it.
  template <class Read>
  void need(std::string_view key, const Read& read) const {
    problems_.attempt([&] { read(map_.require(key)); });
  }

 private:
  MapReader map_;
  Problems& problems_;
};

void read_undo(const YamlNode& node, CacheOptions& options, Problems& problems);
void read_loading(const YamlNode& node, LoadOptions& loading, Problems& problems);
void read_durability(const YamlNode& node, CacheOptions& options, Problems& problems);
[[nodiscard]] L2Config read_l2(const YamlNode& node, Problems& problems);
/// What the other settings of `cache` cannot mean for the first of two tiers.
void refuse_beside_l2(const YamlNode& cache, Problems& problems);
/// Whether the last of `caches`, which is `element`, has a second tier of its own.
void refuse_shared_prefixes(const YamlNode& element, const std::vector<CacheConfig>& caches);

}  // namespace tarmac::internal
