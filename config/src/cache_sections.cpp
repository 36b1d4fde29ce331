#include "cache_sections.h"

#include "yaml_text.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

namespace tarmac::internal {

void read_undo(const YamlNode& node, CacheOptions& options, Problems& problems) {
  const MapSection map(node, "caches[].undo", problems);
  map.with("max_commands", [&](const YamlNode& n) { options.undo_commands_max = as_uint(n); });
  map.with("max_bytes", [&](const YamlNode& n) { options.undo_bytes_max = as_bytes(n); });
}

void read_loading(const YamlNode& node, LoadOptions& loading, Problems& problems) {
  constexpr double kEarlyRefreshMax = 1'000;
  const MapSection map(node, "caches[].loading", problems);
  const auto read_time = [&map](const char* key, std::optional<std::chrono::nanoseconds>& time) {
    map.with(key, [&time](const YamlNode& n) { time = as_duration(n, kPositiveDuration); });
  };
  read_time("negative_ttl", loading.negative_ttl);
  read_time("error_ttl", loading.error_ttl);
  read_time("refresh_after", loading.refresh_after);
  read_time("stale_if_error", loading.stale_if_error);
  read_time("soft_timeout", loading.soft_timeout);
  read_time("hard_timeout", loading.hard_timeout);
  map.with("early_refresh", [&](const YamlNode& n) {
    loading.early_refresh = as_double(n, {0, kEarlyRefreshMax});
  });
}

void read_durability(const YamlNode& node, CacheOptions& options, Problems& problems) {
  constexpr YamlRange<std::uint64_t> kFrom4KiB{4'096, std::numeric_limits<std::int64_t>::max()};
  static const std::vector<std::string> modes{"always", "interval", "never"};
  auto& log = options.durability.emplace();
  const MapSection map(node, "caches[].durability", problems);
  map.need("directory", [&](const YamlNode& n) { log.directory = as_string(n); });
  map.with("sync", [&](const YamlNode& n) {
    const auto found = std::ranges::find(modes, as_choice(n, "sync mode", modes));
    log.sync = static_cast<SyncMode>(found - modes.begin());
  });
  map.with("interval",
           [&](const YamlNode& n) { log.interval = as_duration(n, kPositiveDuration); });
  map.with("segment_bytes", [&](const YamlNode& n) { log.segment_bytes = as_bytes(n, kFrom4KiB); });
  map.with("compact_bytes", [&](const YamlNode& n) { log.compact_bytes = as_bytes(n, kFrom4KiB); });
  map.with("max_record_bytes",
           [&](const YamlNode& n) { log.max_record_bytes = as_bytes(n, kFrom4KiB); });
  map.with("fail_open", [&](const YamlNode& n) { log.fail_open = as_bool(n); });
}

}  // namespace tarmac::internal
