#include <tarmac/core/cache_options.h>
#include <tarmac/core/error.h>

#include <algorithm>
#include <bit>
#include <string_view>

namespace tarmac {
namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

void require(bool holds, const CacheOptions& options, std::string_view problem) {
  if (!holds) throw ConfigError("cache \"" + options.name + "\": " + std::string(problem));
}

}  // namespace

void CacheOptions::validate() const {
  if (name.empty() || name.size() > 64 || name == "." || name == ".." ||
      !std::all_of(name.begin(), name.end(), is_name_character)) {
    throw ConfigError("a cache's name must be 1 to 64 characters of [a-zA-Z0-9_.-]");
  }
  const auto is_zero = [](const auto& bound) { return bound && *bound == 0; };
  require(!is_zero(max_entries), *this,
          "max_entries must be at least 1; leave it out for no bound");
  require(!is_zero(max_bytes), *this, "max_bytes must be at least 1; leave it out for no bound");
  require(!default_ttl || default_ttl->count() > 0, *this,
          "default_ttl must be longer than zero; leave it out for none");
  require(!expire_after_access || expire_after_access->count() > 0, *this,
          "expire_after_access must be longer than zero; leave it out for none");
  require(ttl_jitter.count() >= 0, *this, "ttl_jitter must not be negative");
  loading.validate("cache \"" + name + "\"");
  require(sweep_interval.count() > 0, *this, "sweep_interval must be longer than zero");
  if (durability) {
    const auto& log = *durability;
    require(!log.directory.empty(), *this, "durability needs a directory of its own");
    require(log.interval.count() > 0, *this, "the interval of durability must be longer than zero");
    require(log.segment_bytes > 0 && log.compact_bytes > 0 && log.max_record_bytes > 0, *this,
            "segment_bytes, compact_bytes and max_record_bytes of durability must be at least 1");
  }
  require(!shards || (std::has_single_bit(*shards) && *shards <= 1024), *this,
          "shards must be a power of two from 1 to 1024");
}

}  // namespace tarmac
