// How long it takes until everything is there again.
#include <tarmac/durability/catalog.h>
#include <tarmac/durability/inspect.h>
#include <tarmac/strategies/catalog.h>

#include <chrono>
#include <stdexcept>

#include "durability/cells.h"

namespace tarmac::bench {
namespace {

constexpr const char* kLog = "log_of_all";
constexpr const char* kSnapshot = "all.snap";

template <class Work>
double seconds_of(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void expect_entries(DurableCache& cache, const Ground& ground) {
  if (cache.size() == ground.entries && cache.contains(durable_key(0))) return;
  throw std::runtime_error("only " + std::to_string(cache.size()) + " entries came back");
}

/// Reads and checks the whole log. Throws unless every entry was written to it, once.
std::uint64_t bytes_of_records(const Ground& ground) {
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  const auto found = inspect(ground.folder / kLog);
  for (const auto& file : found.files) {
    records += file.records;
    bytes += file.bytes;
  }
  if (found.is_sound() && records == ground.entries) return bytes;
  throw std::runtime_error("the log has " + std::to_string(records) + " records");
}

}  // namespace

Findings leave_files(const Ground& ground) {
  auto options = durable_options(ground.folder / kLog, SyncMode::never);
  options.durability->compact_bytes = ~std::uint64_t{0};  // All of it is to be replayed.
  DurableCache cache(options);
  const auto filled = seconds_of([&] {
    for (std::uint64_t i = 0; i < ground.entries; ++i) cache.set(durable_key(i), durable_value());
  });
  const auto saved = seconds_of([&] { cache.save_snapshot(ground.folder / kSnapshot); });
  return {{"filled", filled}, {"saved", saved}};
}

Findings recover_log(const Ground& ground) {
  std::optional<DurableCache> cache;
  const auto seconds =
      seconds_of([&] { cache.emplace(durable_options(ground.folder / kLog, SyncMode::never)); });
  expect_entries(*cache, ground);
  cache.reset();  // While it is open, nobody else looks into its log.
  const auto bytes = static_cast<double>(bytes_of_records(ground));
  return {{"seconds", seconds}, {"seconds_per_100_mb", seconds * 100e6 / bytes}};
}

Findings read_log(const Ground& ground) {
  std::uint64_t bytes = 0;
  const auto seconds = seconds_of([&] { bytes = bytes_of_records(ground); });
  return {{"seconds", seconds}, {"bytes_per_second", static_cast<double>(bytes) / seconds}};
}

Findings load_snapshot(const Ground& ground) {
  CacheOptions options;
  options.max_entries.reset();
  DurableCache cache(options);
  const auto seconds = seconds_of([&] { cache.load_snapshot(ground.folder / kSnapshot); });
  expect_entries(cache, ground);
  return {{"seconds", seconds}};
}

}  // namespace tarmac::bench
