// The cache file: which caches a program has, spelt in YAML. docs/configuration.md has every key.
#pragma once

#include <tarmac/core/backing_store.h>
#include <tarmac/core/cache_options.h>
#include <tarmac/core/event.h>
#include <tarmac/core/write_policy.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac {

/// A part by the name it is registered under, and its settings.
struct PartConfig {
  std::string name;
  Parameters parameters;
};

/// `caches[].l2`: the values are in Redis, and the cache is the first of two tiers. What each means
/// is said where it goes: RedisTierOptions and RedisStoreOptions.
struct L2Config {
  std::string host = "127.0.0.1";
  std::uint16_t port = 6'379;
  std::filesystem::path unix_socket;
  /// Addresses of some nodes, with commas between them, if it is a Redis Cluster.
  std::string cluster;
  std::filesystem::path password_file;
  std::string password_env;
  std::uint32_t db = 0;
  /// Needed: what is below it is this cache's.
  std::string prefix;
  std::uint32_t connections = 4;
  std::chrono::nanoseconds call_limit = std::chrono::seconds(1);
  std::chrono::nanoseconds retry_initial = std::chrono::milliseconds(50);
  std::chrono::nanoseconds retry_max = std::chrono::seconds(5);
  std::chrono::nanoseconds heartbeat = std::chrono::milliseconds(500);
  std::chrono::nanoseconds heartbeat_limit = std::chrono::seconds(1);
  std::chrono::nanoseconds serve_unheard{0};
  std::uint32_t batch_max = 32;
  /// How long values live in Redis unless their set() says otherwise; empty for ever.
  std::optional<std::chrono::nanoseconds> ttl = std::nullopt;
};

/// One element of `caches`: all that make_cache() needs, or make_tiered_cache() if it has an `l2`.
struct CacheConfig {
  CacheOptions options;
  PartConfig write_policy{"none", {}};
  /// Empty without a store.
  std::optional<PartConfig> store;
  /// Empty for a cache of this process alone.
  std::optional<L2Config> l2 = std::nullopt;
};

/// `observers.metrics`: where Prometheus finds the figures.
struct MetricsConfig {
  /// `IPv4:PORT`, `localhost:PORT`, or a port alone, which means this machine. Port 0 takes a free
  /// one.
  std::string address = "127.0.0.1:9464";
  /// Without it, an address that other machines can reach is refused.
  bool allow_remote = false;
  /// How long a client may take to send its request.
  std::chrono::nanoseconds request_timeout = std::chrono::seconds(2);
};

/// `observers.event_log`: a file that gets one line of JSON for each event.
struct EventLogConfig {
  std::filesystem::path path;
  /// The types that are written. Unless the file names some: all but entry_get_hit and
  /// entry_get_miss, which would make every look-up pay for the log.
  std::vector<EventType> types;
  /// Whether to write keys. They are users' data, so they stay out unless asked for.
  bool keys = false;
  /// Events that may wait for the file; what comes beyond is dropped, and counted.
  std::uint64_t queue = 8'192;
};

struct ObserversConfig {
  std::optional<MetricsConfig> metrics;
  std::optional<EventLogConfig> event_log;
};

/// The content of a cache file. It has been checked as a whole: every part can be made.
struct Config {
  std::vector<CacheConfig> caches;
  ObserversConfig observers;

  /// The cache named `name`, or null.
  [[nodiscard]] const CacheConfig* find(std::string_view name) const noexcept;
};

/// Reads a cache file. The names of parts come from the registries, so a part that the program has
/// registered can be named; each part is made once and dropped, to check its parameters.
///
/// - Exceptions: ConfigError for the first problem, as `FILE:LINE:COL: at KEY.PATH: what is wrong;
///   the mend`. Nothing is half applied: there is no Config then.
[[nodiscard]] Config load_config_file(const std::filesystem::path& path);
/// The same for a text; `file_name` is how errors call it.
[[nodiscard]] Config parse_config(std::string_view text, std::string_view file_name);

/// What check_file() found.
struct FileCheck {
  /// One line for each problem, as load_config_file() words it. Empty if the file is right.
  std::vector<std::string> problems;
  /// What the file makes, one line for each cache and observer. Empty if there are problems.
  std::vector<std::string> summary;

  [[nodiscard]] bool ok() const noexcept { return problems.empty(); }
};

/// Reads a cache file to the end, whatever is wrong with it. Throws nothing of its own.
[[nodiscard]] FileCheck check_file(const std::filesystem::path& path);

/// The keys the reader knows, by the map they stand in: `""` is the top level, `caches[]` an
/// element of `caches`, `caches[].undo` the map below. In the order of docs/configuration.md. A
/// part given as a map takes its parameters beside these.
[[nodiscard]] const std::map<std::string, std::vector<std::string>>& config_keys();

/// The write policy of `config`, over a store of its own. Throws ConfigError if a part cannot be
/// made, which a Config read from a file has ruled out.
[[nodiscard]] std::unique_ptr<WritePolicy> make_write_policy(const CacheConfig& config);

}  // namespace tarmac
