// What is measured of durable mode, each in a process of its own.
#pragma once

#include <tarmac/core/cache_manager.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace tarmac::bench {

/// Where, how long and how much.
struct Ground {
  std::filesystem::path folder;
  double seconds = 1;
  std::size_t entries = 1'000'000;
};

/// Names and numbers, for the report.
using Findings = std::vector<std::pair<std::string, double>>;

using DurableCache = CacheManager<std::string, std::string>;

/// 16 characters, as redis-benchmark makes them.
[[nodiscard]] std::string durable_key(std::uint64_t number);
/// 64 characters.
[[nodiscard]] const std::string& durable_value();
/// Without a bound, and with the log in `folder`.
[[nodiscard]] CacheOptions durable_options(const std::filesystem::path& folder, SyncMode sync);

// Acknowledged writes a second, as `ops`.

/// The same bytes without anything around them: one file, reserved, appended to and synced.
[[nodiscard]] Findings append_barely(const Ground& ground);
[[nodiscard]] Findings write_alone(const Ground& ground);
[[nodiscard]] Findings write_by_8(const Ground& ground);
[[nodiscard]] Findings write_by_32(const Ground& ground);
/// By 8 threads, 64 at a time.
[[nodiscard]] Findings write_batches(const Ground& ground);
/// By 2 threads, synced once a second.
[[nodiscard]] Findings write_in_intervals(const Ground& ground);
[[nodiscard]] Findings rocksdb_alone(const Ground& ground);
[[nodiscard]] Findings rocksdb_by_8(const Ground& ground);

// Coming back.

/// Leaves a log, and a snapshot file, of all entries.
[[nodiscard]] Findings leave_files(const Ground& ground);
/// `seconds` until a cache has all entries of the log again.
[[nodiscard]] Findings recover_log(const Ground& ground);
/// Reading and checking that log, by one thread, without a cache.
[[nodiscard]] Findings read_log(const Ground& ground);
[[nodiscard]] Findings load_snapshot(const Ground& ground);

// Reads beside it.

/// 99.9th percentiles of `get`, alone and while all entries are written to a file.
[[nodiscard]] Findings get_beside_snapshot(const Ground& ground);
/// The time of a `get` of a durable cache as a multiple (`ratio`) of one without a log.
[[nodiscard]] Findings get_of_a_durable_cache(const Ground& ground);

}  // namespace tarmac::bench
