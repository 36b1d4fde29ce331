// Readers without locks beside everything that can happen to a cache: a moment of it every day,
// minutes of it under `./run stress`. Every value says what it is, so that a reader knows.
#include <gtest/gtest.h>
#include <tarmac/core/hash.h>
#include <tarmac/strategies/catalog.h>

#include <atomic>
#include <latch>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core_rig.h"
#include "stress.h"

namespace tarmac::core_tests {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kStressKeys = 300;

/// Values that encode their key, a version, and a checksum of both.
template <class T>
struct Coded;
template <>
struct Coded<std::uint64_t> {
  static std::uint64_t key(std::uint64_t n) { return n; }
  static std::uint64_t number(std::uint64_t key) { return key; }
  static std::uint64_t value(std::uint64_t n, std::uint64_t version) {
    const auto body = n << 16U | (version & 0xFFFFU);
    return body << 32U | (mix(body, 1) & 0xFFFF'FFFFU);
  }
  static bool is_of(std::uint64_t n, std::uint64_t value) {
    const auto body = value >> 32U;
    return body >> 16U == n && (value & 0xFFFF'FFFFU) == (mix(body, 1) & 0xFFFF'FFFFU);
  }
};
template <>
struct Coded<std::string> {
  static std::string key(std::uint64_t n) { return "the key with the number " + std::to_string(n); }
  static std::uint64_t number(std::string_view key) {
    return std::stoull(std::string(key.substr(key.rfind(' '))));
  }
  static std::string value(std::uint64_t n, std::uint64_t version) {
    std::string text = std::to_string(n) + ":" + std::string(version % 90, 'v');
    return text + ":" + std::to_string(hash_bytes(text, 1));
  }
  static bool is_of(std::uint64_t n, const std::string& value) {
    const auto sum_at = value.rfind(':');
    const auto text = value.substr(0, sum_at);
    return value.substr(sum_at + 1) == std::to_string(hash_bytes(text, 1)) &&
           value.substr(0, value.find(':')) == std::to_string(n);
  }
};

template <class T>
class FastPathStress : public ::testing::Test {
 public:
  using Cache = CacheManager<T, T>;
  using Code = Coded<T>;

  static CacheOptions options(std::uint64_t round) {
    CacheOptions options;
    options.eviction = catalog()[round % catalog().size()].name;
    options.max_entries = 128;
    options.shards = round % 2 == 0 ? 1U : 4U;
    options.seed = stress_seed() + round;
    options.sweep_interval = 100us;
    if (round % 3 == 2) options.expire_after_access = 300us;
    return options;
  }
  static void read(Cache& cache, std::mt19937_64& chances) {
    const auto n = chances() % kStressKeys;
    const auto key = Code::key(n);
    switch (chances() % 8) {
      case 0:
        static_cast<void>(cache.contains(key));
        return;
      case 1:
        if (const auto value = cache.get(key)) {
          EXPECT_TRUE(Code::is_of(n, *value)) << n << ": " << *value;
        }
        return;
      case 2:
        cache.visit(key, [&](const T& value) {  // Long enough for its entry to go.
          const auto other = Code::key((n + 1) % kStressKeys);
          cache.visit(other, [&](const T& inner) {
            EXPECT_TRUE(Code::is_of((n + 1) % kStressKeys, inner)) << inner;
            std::this_thread::yield();
          });
          EXPECT_TRUE(Code::is_of(n, value)) << n << ": " << value;
        });
        return;
      default:
        cache.visit(
            key, [&](const T& value) { EXPECT_TRUE(Code::is_of(n, value)) << n << ": " << value; });
    }
  }
  static void write(Cache& cache, std::mt19937_64& chances) {
    const auto n = chances() % kStressKeys;
    const auto key = Code::key(n);
    auto value = Code::value(n, chances());
    switch (chances() % 8) {
      case 0:
        cache.erase(key);
        return;
      case 1:
        cache.set(key, value, {.ttl = std::chrono::microseconds(chances() % 500)});
        return;
      case 2:
        cache.compute(key, [&](const std::optional<T>& seen) {
          if (seen) {
            EXPECT_TRUE(Code::is_of(n, *seen)) << n << ": " << *seen;
          }
          return std::optional(value);
        });
        return;
      case 3:  // By a reader, so that its own epoch is pinned.
        cache.visit(key, [&](const T& seen) {
          cache.set(key, value);
          EXPECT_TRUE(Code::is_of(n, seen)) << n << ": " << seen;
        });
        return;
      default:
        cache.set(key, value);
    }
  }
  static void change_whole(Cache& cache, std::mt19937_64& chances, std::optional<Snapshot>& kept) {
    switch (chances() % 8) {
      case 0:
        kept = cache.take_snapshot();
        return;
      case 1:
        if (kept) cache.restore_snapshot(*kept);
        return;
      case 2:
      case 3:
        cache.swap_strategy(std::string(catalog()[chances() % catalog().size()].name));
        return;
      case 4:
        cache.resize({.max_entries = 8 + chances() % 400});
        return;
      case 5:
        cache.purge_expired();
        return;
      case 6:
        cache.for_each([](const T& key, const T& value) {
          EXPECT_TRUE(Code::is_of(Code::number(key), value)) << key << ": " << value;
        });
        return;
      default:
        cache.clear();
    }
  }
};
using StressKinds = ::testing::Types<std::uint64_t, std::string>;
TYPED_TEST_SUITE(FastPathStress, StressKinds);

// Goal: no reader ever sees a value that nobody has written for its key, nor one that has gone.
// Method: many short lives of caches, each with readers, writers and changes of the whole at once;
// the address and thread sanitizers see what the checksums do not.
TYPED_TEST(FastPathStress, ReadersSeeWholeValuesOfTheirKeysWhateverHappens) {
  using Stress = FastPathStress<TypeParam>;
  constexpr std::uint64_t kReaders = 3;
  constexpr std::uint64_t kWriters = 2;
  const auto rounds = 8 * stress_factor();
  for (std::uint64_t round = 0; round < rounds && !this->HasFailure(); ++round) {
    typename Stress::Cache cache(Stress::options(round));
    std::latch together(kReaders + kWriters + 1);
    std::vector<std::jthread> threads;
    for (std::uint64_t thread = 0; thread <= kReaders + kWriters; ++thread) {
      threads.emplace_back([&, thread] {
        std::mt19937_64 chances(stress_seed() + round * 100 + thread);
        std::optional<Snapshot> kept;
        together.arrive_and_wait();
        for (int i = 0; i < 1'200; ++i) {
          if (thread < kReaders) {
            for (int j = 0; j < 3; ++j) Stress::read(cache, chances);
          } else if (thread < kReaders + kWriters) {
            Stress::write(cache, chances);
          } else if (i % 8 == 0) {
            Stress::change_whole(cache, chances, kept);
          }
        }
      });
    }
    threads.clear();
    // At rest, table and strategy hold the same: the strategy finds everything that has to go.
    cache.resize({.max_entries = 1});
    EXPECT_LE(cache.size(), 1U);
    std::uint64_t entries = 0;
    cache.for_each([&entries](const TypeParam&, const TypeParam&) { ++entries; });
    EXPECT_LE(entries, 1U);
  }
}

// Threads come and go while values wait for them, and so do caches: what one leaves behind, its
// number and its rings, the next takes over.
TYPED_TEST(FastPathStress, ThreadsThatComeAndGoLeaveNothingBehind) {
  using Stress = FastPathStress<TypeParam>;
  typename Stress::Cache lasting(Stress::options(0));
  const auto rounds = 24 * stress_factor();
  for (std::uint64_t round = 0; round < rounds && !this->HasFailure(); ++round) {
    typename Stress::Cache brief(Stress::options(round));
    std::vector<std::jthread> threads;
    for (std::uint64_t thread = 0; thread < 12; ++thread) {
      threads.emplace_back([&, thread] {
        std::mt19937_64 chances(stress_seed() + round * 100 + thread);
        for (std::uint64_t i = 0; i < 20 + 10 * thread; ++i) {
          Stress::read(lasting, chances);
          Stress::read(brief, chances);
          if (thread % 3 == 0) Stress::write(lasting, chances);
          if (thread % 4 == 0) Stress::write(brief, chances);
        }
      });
    }
  }
}

}  // namespace
}  // namespace tarmac::core_tests
