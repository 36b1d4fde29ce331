#include "config_reader.h"

#include <tarmac/config/pieces.h>
#include <tarmac/core/error.h>

#include "cache_sections.h"
#include "part_reader.h"
#include "yaml_text.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <filesystem>
#include <limits>
#include <utility>

namespace tarmac {

// The one list of keys: the readers below refuse to ask for a key that is not here, and the test of
// the JSON schema compares with it.
const std::map<std::string, std::vector<std::string>>& config_keys() {
  static const std::map<std::string, std::vector<std::string>> keys{
      {"", {"caches", "observers"}},
      {"caches[]",
       {"name", "max_entries", "max_bytes", "eviction", "default_ttl", "ttl_jitter",
        "expire_after_access", "background_expiry", "sweep_interval", "read_through", "shards",
        "seed", "undo", "loading", "write_policy", "store", "durability", "l2"}},
      {"caches[].eviction", {"strategy"}},
      {"caches[].undo", {"max_commands", "max_bytes"}},
      {"caches[].loading",
       {"negative_ttl", "error_ttl", "refresh_after", "early_refresh", "stale_if_error",
        "soft_timeout", "hard_timeout"}},
      {"caches[].durability",
       {"directory", "sync", "interval", "segment_bytes", "compact_bytes", "max_record_bytes",
        "fail_open"}},
      {"caches[].l2",
       {"host", "port", "unix_socket", "cluster", "password_file", "password_env", "db", "prefix",
        "connections", "call_limit", "retry_initial", "retry_max", "heartbeat", "heartbeat_limit",
        "serve_unheard", "batch_max", "ttl"}},
      {"caches[].write_policy", {"policy"}},
      {"caches[].store", {"store"}},
      {"observers", {"metrics", "event_log"}},
      {"observers.metrics", {"address", "allow_remote", "request_timeout"}},
      {"observers.event_log", {"path", "types", "keys", "queue"}}};
  return keys;
}

namespace internal {
namespace {

constexpr std::uint64_t kShardsMax = 1024;
constexpr std::uint64_t kQueueMax = 1'000'000;
constexpr YamlRange<YamlDuration> kRequestTimeouts{std::chrono::milliseconds(1),
                                                   std::chrono::hours(1)};
constexpr std::string_view kUnlimited = "unlimited";

bool is_unlimited(const YamlNode& node) {
  return node.is_scalar() && !node.quoted && node.text == kUnlimited;
}

/// 1 or more; zero gets words of its own, since elsewhere it often means "no limit".
template <class Read>
std::optional<std::uint64_t> read_bound(const YamlNode& node, const Read& read) {
  if (is_unlimited(node)) return std::nullopt;
  const std::uint64_t bound = read(node, YamlRange<std::uint64_t>{});
  if (bound == 0) {
    throw node.error("a cache of 0 cannot hold anything",
                     "write 1 or more, or `unlimited` for no bound");
  }
  return bound;
}

std::string read_cache_name(const YamlNode& node) {
  const auto& name = as_string(node);
  CacheOptions probe;
  probe.name = name;
  try {
    probe.validate();
  } catch (const ConfigError&) {
    throw node.error(shown(name) + " cannot name a cache",
                     "write 1 to 64 characters of a-z, A-Z, 0-9, `_`, `.` and `-`");
  }
  return name;
}

std::uint32_t read_shards(const YamlNode& node) {
  const auto shards = as_uint(node, {1, kShardsMax});
  if (!std::has_single_bit(shards)) {
    const auto lower = std::bit_floor(shards);
    throw node.error(std::to_string(shards) + " shards are not a power of two",
                     "write " + std::to_string(lower) + " or " + std::to_string(lower * 2));
  }
  return static_cast<std::uint32_t>(shards);
}

PartKind eviction_kind() {
  return {"eviction strategy", "strategy", strategy_registry().names(),
          [](const std::string& name, const Parameters& parameters) {
            static_cast<void>(strategy_registry().make(name, parameters));
          }};
}

PartKind store_kind() {
  return {"backing store", "store", store_registry().names(),
          [](const std::string& name, const Parameters& parameters) {
            static_cast<void>(store_registry().make(name, parameters));
          }};
}

/// A policy is tried over the store that it will have.
PartKind policy_kind(const std::optional<PartConfig>& store) {
  return {"write policy", "policy", write_policy_registry().names(),
          [&store](const std::string& name, const Parameters& parameters) {
            CacheConfig trial;
            trial.write_policy = {name, parameters};
            trial.store = store;
            static_cast<void>(make_write_policy(trial));
          }};
}

/// Policy and store have to fit: one without the other does nothing that the file's author wants.
void read_policy_and_store(const MapSection& map, CacheConfig& cache) {
  const YamlNode* store_node = nullptr;
  map.with("store", [&](const YamlNode& node) {
    store_node = &node;
    cache.store = read_part(node, store_kind());
  });
  if (store_node != nullptr && !cache.store) return;  // Without its store, no policy can be tried.
  bool policy_read = true;
  map.with("write_policy", [&](const YamlNode& node) {
    policy_read = false;
    if (!cache.store) {
      // Over a store that is surely there; what is wrong then is wrong with the policy alone.
      const std::optional<PartConfig> stand_in = PartConfig{"memory", {}};
      cache.write_policy = read_part(node, policy_kind(stand_in));
      try {
        static_cast<void>(make_write_policy(cache));
      } catch (const Error&) {
        throw node.error("the write policy \"" + cache.write_policy.name + "\" needs a store",
                         "add `store: memory` to this cache, or remove the policy");
      }
    } else {
      cache.write_policy = read_part(node, policy_kind(cache.store));
    }
    policy_read = true;
  });
  if (!cache.store || !policy_read) return;
  map.with("store", [&](const YamlNode& node) {
    if (make_write_policy(cache)->store() == nullptr) {
      throw node.error_at_key("nothing is ever written to this store: the write policy is \"" +
                                  cache.write_policy.name + "\"",
                              "add a write_policy such as write_through, or remove the store");
    }
  });
}

void read_times(const MapSection& map, CacheOptions& options) {
  map.with("default_ttl",
           [&](const YamlNode& n) { options.default_ttl = as_duration(n, kPositiveDuration); });
  map.with("ttl_jitter", [&](const YamlNode& n) { options.ttl_jitter = as_duration(n); });
  map.with("expire_after_access", [&](const YamlNode& n) {
    options.expire_after_access = as_duration(n, kPositiveDuration);
  });
  map.with("background_expiry", [&](const YamlNode& n) { options.background_expiry = as_bool(n); });
  map.with("sweep_interval",
           [&](const YamlNode& n) { options.sweep_interval = as_duration(n, kPositiveDuration); });
}

CacheConfig read_cache(const YamlNode& node, Problems& problems) {
  CacheConfig cache;
  auto& options = cache.options;
  const auto before = problems.list().size();
  const MapSection map(node, "caches[]", problems);
  map.need("name", [&](const YamlNode& n) { options.name = read_cache_name(n); });
  map.with("max_entries", [&](const YamlNode& n) { options.max_entries = read_bound(n, as_uint); });
  map.with("max_bytes", [&](const YamlNode& n) { options.max_bytes = read_bound(n, as_bytes); });
  map.with("eviction", [&](const YamlNode& n) {
    auto part = read_part(n, eviction_kind());
    options.eviction = std::move(part.name);
    options.eviction_parameters = std::move(part.parameters);
  });
  read_times(map, options);
  map.with("read_through", [&](const YamlNode& n) { options.read_through = as_bool(n); });
  map.with("shards", [&](const YamlNode& n) { options.shards = read_shards(n); });
  map.with("seed", [&](const YamlNode& n) { options.seed = as_uint(n); });
  map.with("undo", [&](const YamlNode& n) { read_undo(n, options, problems); });
  map.with("loading", [&](const YamlNode& n) { read_loading(n, options.loading, problems); });
  map.with("durability", [&](const YamlNode& n) { read_durability(n, options, problems); });
  map.with("l2", [&](const YamlNode& n) { cache.l2 = read_l2(n, problems); });
  if (cache.l2) refuse_beside_l2(node, problems);
  read_policy_and_store(map, cache);
  if (problems.list().size() > before) return cache;
  try {
    options.validate();  // Whatever core refuses beyond the checks above still gets a place.
  } catch (const ConfigError& error) {
    throw node.error(error.what(), "correct this cache");
  }
  return cache;
}

void refuse_shared_logs(const YamlNode& element, const CacheConfig& cache,
                        std::map<std::string, std::size_t>& lines) {
  const auto& log = cache.options.durability;
  if (!log || log->directory.empty()) return;
  const auto* directory = element.find("durability")->find("directory");
  const auto path = std::filesystem::absolute(log->directory);
  const auto [first, is_new] = lines.emplace(path.lexically_normal().string(), directory->line);
  if (is_new) return;
  throw directory->error(
      "another cache has its log in this directory",
      "give each cache its own; the first is in line " + std::to_string(first->second));
}

std::vector<CacheConfig> read_caches(const YamlNode& node, Problems& problems) {
  const auto& elements = as_list(node);
  if (elements.empty()) {
    throw node.error("the list of caches is empty", "add a cache: `- name: NAME`");
  }
  std::vector<CacheConfig> caches;
  std::map<std::string, std::size_t> lines;
  std::map<std::string, std::size_t> directories;
  for (const auto& element : elements) {
    problems.attempt([&] {
      caches.push_back(read_cache(element, problems));
      problems.attempt([&] { refuse_shared_logs(element, caches.back(), directories); });
      problems.attempt([&] { refuse_shared_prefixes(element, caches); });
      const auto* name = element.find("name");
      if (name == nullptr) return;
      const auto [first, is_new] = lines.emplace(name->text, name->line);
      if (is_new) return;
      throw name->error(
          "there already is a cache " + shown(name->text),
          "give it another name; the first is in line " + std::to_string(first->second));
    });
  }
  return caches;
}

bool is_number_up_to(std::string_view text, unsigned most) {
  unsigned number = 0;
  const auto* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  return error == std::errc{} && end == last && number <= most;
}

bool is_ipv4(std::string_view host) {
  std::size_t parts = 1;
  for (auto dot = host.find('.'); dot != host.npos; dot = host.find('.'), ++parts) {
    if (!is_number_up_to(host.substr(0, dot), 255)) return false;
    host.remove_prefix(dot + 1);
  }
  return parts == 4 && is_number_up_to(host, 255);
}

/// What the scrape endpoint will accept: an IPv4 address or localhost, and a port; or a port alone.
std::string read_address(const YamlNode& node) {
  const auto& text = as_text(node);
  const auto colon = text.rfind(':');
  const auto host = colon == text.npos ? std::string("localhost") : text.substr(0, colon);
  const auto port = colon == text.npos ? text : text.substr(colon + 1);
  if (!(host == "localhost" || is_ipv4(host)) || !is_number_up_to(port, 65'535)) {
    throw node.error(shown(text) + " is not an IPv4 address and a port up to 65535",
                     "write for example 127.0.0.1:9464");
  }
  return text;
}

bool is_this_machine(std::string_view address) {
  return address.find(':') == address.npos || address.starts_with("localhost:") ||
         address.starts_with("127.");
}

std::vector<EventType> read_event_types(const YamlNode& node) {
  std::vector<std::string> names;
  for (const auto type : all_event_types()) names.emplace_back(to_string(type));
  if (node.is_scalar() && !node.is_null() && node.text == "all") {
    return {all_event_types().begin(), all_event_types().end()};
  }
  const auto& elements = as_list(node);
  if (elements.empty()) {
    throw node.error("no event type is named", "name some, or remove the key");
  }
  std::vector<EventType> types;
  for (const auto& element : elements) {
    const auto type = event_type_from(as_choice(element, "event type", names));
    if (std::find(types.begin(), types.end(), type.value()) != types.end()) {
      throw element.error(shown(element.text) + " is there twice", "keep one of them");
    }
    types.push_back(type.value());
  }
  return types;
}

MetricsConfig read_metrics(const YamlNode& node, Problems& problems) {
  MetricsConfig metrics;
  const MapSection map(node, "observers.metrics", problems);
  map.with("allow_remote", [&](const YamlNode& n) { metrics.allow_remote = as_bool(n); });
  map.with("address", [&](const YamlNode& n) {
    metrics.address = read_address(n);
    if (is_this_machine(metrics.address) || metrics.allow_remote) return;
    throw n.error(
        "other machines could read the metrics at " + metrics.address + ", without a password",
        "add `allow_remote: true` if they may, or listen at 127.0.0.1");
  });
  map.with("request_timeout",
           [&](const YamlNode& n) { metrics.request_timeout = as_duration(n, kRequestTimeouts); });
  return metrics;
}

EventLogConfig read_event_log(const YamlNode& node, Problems& problems) {
  EventLogConfig log;
  for (const auto type : all_event_types()) {
    if (type != EventType::entry_get_hit && type != EventType::entry_get_miss) {
      log.types.push_back(type);
    }
  }
  const MapSection map(node, "observers.event_log", problems);
  map.need("path", [&](const YamlNode& n) {
    if (as_string(n).empty()) throw n.error("the path is empty", "write the name of a file");
    log.path = as_string(n);
  });
  map.with("types", [&](const YamlNode& n) { log.types = read_event_types(n); });
  map.with("keys", [&](const YamlNode& n) { log.keys = as_bool(n); });
  map.with("queue", [&](const YamlNode& n) { log.queue = as_uint(n, {1, kQueueMax}); });
  return log;
}

}  // namespace

Config read_config(const YamlNode& root, Problems& problems) {
  Config config;
  problems.attempt([&] {
    const MapSection map(root, "", problems);
    map.need("caches", [&](const YamlNode& n) { config.caches = read_caches(n, problems); });
    map.with("observers", [&](const YamlNode& node) {
      const MapSection observers(node, "observers", problems);
      observers.with("metrics", [&](const YamlNode& n) {
        config.observers.metrics = read_metrics(n, problems);
      });
      observers.with("event_log", [&](const YamlNode& n) {
        config.observers.event_log = read_event_log(n, problems);
      });
    });
  });
  return config;
}

}  // namespace internal

CacheConfig read_cache_piece(const YamlNode& node) {
  internal::Problems problems;
  CacheConfig cache;
  problems.attempt([&] { cache = internal::read_cache(node, problems); });
  if (!problems.list().empty()) throw ConfigError(problems.list().front());
  return cache;
}

PartConfig read_eviction_piece(const YamlNode& node) {
  return internal::read_part(node, internal::eviction_kind());
}

PartConfig read_write_policy_piece(const YamlNode& node, const std::optional<PartConfig>& store) {
  return internal::read_part(node, internal::policy_kind(store));
}

}  // namespace tarmac
