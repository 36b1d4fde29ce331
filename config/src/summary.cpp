#include "config_reader.h"
#include "yaml_text.h"

namespace tarmac::internal {
namespace {

std::string capacity_of(const CacheOptions& options) {
  std::string text;
  if (options.max_entries) text = std::to_string(*options.max_entries) + " entries";
  if (options.max_bytes) {
    text += (text.empty() ? "" : " and ") + std::to_string(*options.max_bytes) + " bytes";
  }
  return text.empty() ? "no bound" : "at most " + text;
}

std::string summary_of_cache(const CacheConfig& cache) {
  const auto& o = cache.options;
  std::string line = "cache " + o.name + ": " + capacity_of(o) + ", eviction " + o.eviction;
  if (o.default_ttl) line += ", default_ttl " + duration_text(*o.default_ttl);
  if (o.ttl_jitter.count() > 0) line += " + up to " + duration_text(o.ttl_jitter);
  if (o.expire_after_access) {
    line += ", expire_after_access " + duration_text(*o.expire_after_access);
  }
  if (const auto& log = o.durability) {
    line += ", durable in " + log->directory.string() + " (sync ";
    switch (log->sync) {
      case SyncMode::always:
        line += "always)";
        break;
      case SyncMode::interval:
        line += "every " + duration_text(log->interval) + ")";
        break;
      case SyncMode::never:
        line += "never)";
        break;
    }
  }
  if (const auto& l2 = cache.l2) {
    const auto one = l2->unix_socket.empty() ? l2->host + ":" + std::to_string(l2->port)
                                             : l2->unix_socket.string();
    const auto server = l2->cluster.empty() ? one : "the cluster of " + l2->cluster;
    return line + ", second tier in redis at " + server + " below " + l2->prefix;
  }
  line += ", write_policy " + cache.write_policy.name;
  if (o.read_through) line += ", read_through";
  if (cache.store) line += " over store " + cache.store->name;
  return line;
}

}  // namespace

std::vector<std::string> summary_of(const Config& config) {
  std::vector<std::string> lines;
  for (const auto& cache : config.caches) lines.push_back(summary_of_cache(cache));
  if (const auto& metrics = config.observers.metrics) {
    lines.push_back("metrics: http://" + metrics->address + "/metrics, request_timeout " +
                    duration_text(metrics->request_timeout));
  }
  if (const auto& log = config.observers.event_log) {
    lines.push_back("event_log: " + log->path.string() + ", " + std::to_string(log->types.size()) +
                    " of " + std::to_string(kEventTypeCount) + " event types, queue of " +
                    std::to_string(log->queue));
  }
  return lines;
}

}  // namespace tarmac::internal
