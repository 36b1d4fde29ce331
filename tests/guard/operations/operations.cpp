// What callgrind counts the instructions of: hits, misses and inserts that evict, strategy by
// strategy, each in one call of measured(). Prints what the calls were, in their order.
#include <tarmac/core/cache_manager.h>
#include <tarmac/strategies/catalog.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "durable_operations.h"

namespace {

// Large enough that a ring of hits is drained and a batch of what was removed is let go many times
// over, small enough for a program under callgrind.
constexpr std::uint64_t kEntries = 4'096;
constexpr std::uint64_t kOperations = 16'384;

template <class T>
T make(std::uint64_t n) {
  if constexpr (std::is_same_v<T, std::string>) {
    return std::to_string(1'000'000 + n) + "#########";  // 16 bytes.
  } else {
    return n;
  }
}

}  // namespace

extern "C" [[gnu::noinline]] void measured(const std::function<void()>& work) { work(); }

namespace {

template <class T>
void measure(const std::string& strategy, const char* kind) {
  tarmac::CacheOptions options;
  options.eviction = strategy;
  options.max_entries = kEntries;
  options.shards = 1;
  options.seed = 1;
  options.background_expiry = false;
  if (strategy == "ttl") options.default_ttl = std::chrono::hours(1);
  tarmac::CacheManager<T, T> cache(options);
  std::vector<T> keys;
  for (std::uint64_t i = 0; i < kEntries + kOperations; ++i) keys.push_back(make<T>(i));
  for (std::uint64_t i = 0; i < kEntries; ++i) cache.set(keys[i], keys[i]);

  std::uint64_t seen = 0;
  const auto look = [&seen](const T&) { ++seen; };
  // Every key in turn, in an order that is neither theirs nor the strategy's.
  const auto hit = [&](std::uint64_t i) { cache.visit(keys[i * 1'597 % kEntries], look); };
  const auto miss = [&](std::uint64_t i) { cache.visit(keys[kEntries + i], look); };
  const auto insert = [&](std::uint64_t i) { cache.set(keys[kEntries + i], keys[kEntries + i]); };
  const auto run = [&](const char* operation, const auto& one) {
    for (std::uint64_t i = 0; i < 100; ++i) one(i);  // What only the first calls do.
    measured([&] {
      for (std::uint64_t i = 100; i < kOperations; ++i) one(i);
    });
    std::printf("%s %s %s %llu\n", strategy.c_str(), kind, operation,
                static_cast<unsigned long long>(kOperations - 100));
  };
  run("hit", hit);
  run("miss", miss);
  run("insert", insert);
  if (seen != kOperations) std::printf("wrong: %llu hits\n", static_cast<unsigned long long>(seen));
}

}  // namespace

int main() {
  for (const auto& row : tarmac::catalog()) {
    measure<std::uint64_t>(std::string(row.name), "integers");
    measure<std::string>(std::string(row.name), "strings");
  }
  measure_durable();
}
