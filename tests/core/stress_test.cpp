// Everything at once, over a store that fails: a moment of it every day, minutes of it under
// `./run stress`. What is asserted holds for every interleaving.
#include <gtest/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/policies/write_through.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/strategies/catalog.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "stress.h"

namespace tarmac::core_tests {
namespace {

using namespace std::chrono_literals;
using Cache = CacheManager<std::string, std::string>;

/// Chances of one thread in one round.
class Chance {
 public:
  Chance(std::uint64_t round, std::uint64_t thread)
      : engine_(stress_seed() + round * 1'000 + thread) {}
  std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

/// Calls `work` in as many threads, each with its number, and waits for them.
template <class Work>
void in_threads(std::uint64_t count, const Work& work) {
  std::vector<std::jthread> threads;
  for (std::uint64_t i = 0; i < count; ++i) threads.emplace_back([&work, i] { work(i); });
}

/// Refuses some batches, and during an outage all.
class FlakyStore final : public BackingStore {
 public:
  /// `loses_answers`: some batches that it refuses have been written all the same.
  FlakyStore(std::uint64_t seed, bool loses_answers)
      : loses_answers_(loses_answers), chances_(seed) {}

  void set_down(bool down) { down_ = down; }
  void mend() {
    down_ = false;
    mended_ = true;
  }

  [[nodiscard]] std::string_view name() const noexcept override { return "flaky"; }
  [[nodiscard]] std::optional<StoredValue> load(std::string_view key, WallNanos wall_now) override {
    return inner_->load(key, wall_now);
  }
  void write(std::span<const StoreWrite> batch) override {
    const auto chance = next_chance();
    if (down_) throw StoreError("the store is down");
    if (!mended_ && chance == 0) throw StoreError("the store would not");
    inner_->write(batch);
    if (loses_answers_ && !mended_ && chance == 1) throw StoreError("the answer was lost");
  }
  void scan(const std::function<void(std::string_view key, const StoredValue&)>& visit) override {
    inner_->scan(visit);
  }
  [[nodiscard]] std::size_t size() override { return inner_->size(); }
  [[nodiscard]] std::shared_ptr<const StoreImage> image() override { return inner_->image(); }
  void put_back(const StoreImage& image) override { inner_->put_back(image); }

 private:
  std::uint64_t next_chance() {
    const std::lock_guard lock(mutex_);
    return chances_() % 8;
  }

  const bool loses_answers_;
  const std::shared_ptr<BackingStore> inner_ = make_memory_store();
  std::atomic<bool> down_{false};
  std::atomic<bool> mended_{false};
  std::mutex mutex_;
  std::mt19937_64 chances_;
};

WriteBackOptions impatient() {
  WriteBackOptions options;
  options.loss_window_max = 1ms;
  options.batch_max = 16;
  options.dirty_max = 48;
  options.block_max = 1ms;
  options.retry_initial = 100us;
  options.retry_max = 1ms;
  return options;
}

CacheOptions small(std::uint64_t round) {
  CacheOptions options;
  options.name = "stress";
  options.max_entries = 64;
  options.shards = 4;
  options.seed = stress_seed() + round;
  return options;
}

std::optional<std::string> stored(BackingStore& store, const std::string& key) {
  auto found = store.load(key, system_clock()->wall_now());
  return found ? std::optional(std::move(found->bytes)) : std::nullopt;
}

/// One thread's own keys: nobody else writes them, so it knows what each must be.
class Owner {
 public:
  Owner(Cache& cache, Chance chance, std::uint64_t thread)
      : cache_(cache), chance_(chance), prefix_("owner" + std::to_string(thread) + ":") {}

  void act() {
    const auto key = prefix_ + std::to_string(chance_.below(40));
    const auto value = std::to_string(++values_);
    try {
      switch (chance_.below(6)) {
        case 0:
          cache_.erase(key);
          known_.erase(key);
          break;
        case 1:
          cache_.compute(key, [&](const std::optional<std::string>& seen) {
            check(key, seen);
            return value;
          });
          known_[key] = value;
          break;
        case 2:
        case 3:
          cache_.set(key, value);
          known_[key] = value;
          break;
        default:
          check(key, cache_.get(key));
      }
    } catch (const StoreError&) {
      ++refused_;  // Then nothing has changed, which later look-ups find out.
    }
  }

  [[nodiscard]] std::optional<std::string> known(const std::string& key) const {
    const auto found = known_.find(key);
    return found == known_.end() ? std::nullopt : std::optional(found->second);
  }
  void check_store(BackingStore& store) const {
    for (int i = 0; i < 40; ++i) {
      const auto key = prefix_ + std::to_string(i);
      EXPECT_EQ(stored(store, key), known(key)) << key;
    }
  }

 private:
  /// The cache may have evicted the key, but an older value must not come back.
  void check(const std::string& key, const std::optional<std::string>& seen) const {
    if (seen) {
      EXPECT_EQ(seen, known(key)) << key;
    }
  }

  Cache& cache_;
  Chance chance_;
  const std::string prefix_;
  std::map<std::string, std::string> known_;
  std::uint64_t values_ = 0;
  std::uint64_t refused_ = 0;
};

// Goal: no acknowledged write is lost, none comes back, and none is half done, whatever the store
// does. Method: each thread knows what its keys are; the cache holds a fraction of them, so that
// dirty entries are evicted all the time, and the queue is short, so that writers are turned away.
TEST(Stress, WriteBackLosesNothingOverAStoreThatFails) {  // traps I2, I3, I4, I5, I6, I8
  for (std::uint64_t round = 0; round < stress_factor(); ++round) {
    const auto store = std::make_shared<FlakyStore>(stress_seed() + round, true);
    Cache cache(small(round));
    cache.set_write_policy(write_back(store, impatient()));
    std::vector<Owner> owners;
    for (std::uint64_t i = 0; i < 4; ++i) owners.emplace_back(cache, Chance(round, i), i);
    in_threads(6, [&](std::uint64_t thread) {
      Chance chance(round, thread);
      for (int i = 0; i < 1'500; ++i) {
        if (thread < owners.size()) {
          owners[thread].act();
        } else if (thread == 4) {
          if (i % 100 == 0) store->set_down(chance.one_in(3));
          static_cast<void>(cache.flush(1ms));
        } else {
          if (i % 50 == 0) cache.swap_strategy(chance.one_in(2) ? "lfu" : "lru");
          cache.resize({.max_entries = 16 + chance.below(96)});
        }
      }
    });
    store->mend();
    const auto report = cache.flush();
    EXPECT_TRUE(report.complete()) << report.error;
    for (const auto& owner : owners) owner.check_store(*store);
    cache.for_each([&](const std::string& key, const std::string& value) {
      EXPECT_EQ(stored(*store, key), value) << key;
    });
  }
}

/// Everything that a cache can be asked for, by chance.
class Mixer {
 public:
  Mixer(Cache& cache, std::shared_ptr<FlakyStore> store, Chance chance)
      : cache_(cache), store_(std::move(store)), chance_(chance) {}

  void act() {
    try {
      if (chance_.one_in(12)) {
        change_whole();
      } else {
        change_entry();
      }
    } catch (const StoreError&) {
      // The store may refuse anything that reaches it; the cache is then as it was.
    }
  }

 private:
  std::string key() { return "key:" + std::to_string(chance_.below(200)); }

  void change_entry() {
    const auto where = key();
    switch (chance_.below(10)) {
      case 0:
        cache_.erase(where);
        break;
      case 1:
        cache_.compute(where, [](std::optional<std::string> v) { return v.value_or("") + "+"; });
        break;
      case 2:
        cache_.set(where, "soon gone", {.ttl = std::chrono::microseconds(chance_.below(2'000))});
        break;
      case 3:
        cache_.execute(SetCommand{where, std::string("by command")});
        break;
      case 4:
        static_cast<void>(chance_.one_in(2) ? cache_.undo() : cache_.redo());
        break;
      case 5:
        cache_.visit(where, [](const std::string& value) { EXPECT_FALSE(value.empty()); });
        break;
      case 6:
        if (const auto info = cache_.inspect(where)) {
          EXPECT_GT(info->weight, 0U);
        }
        break;
      case 7:
        static_cast<void>(cache_.get(where));
        break;
      default:
        cache_.set(where, std::string(1 + chance_.below(100), 'v'));
    }
  }

  void change_whole() {
    switch (chance_.below(10)) {
      case 0:
        kept_ = cache_.take_snapshot();
        break;
      case 1:
        if (kept_) cache_.restore_snapshot(*kept_);
        break;
      case 2:
      case 3:
        cache_.swap_strategy(std::string(catalog()[chance_.below(catalog().size())].name));
        break;
      case 4:
        if (chance_.one_in(2)) {
          cache_.set_write_policy(write_through(store_), 1ms);
        } else {
          cache_.set_write_policy(write_back(store_, impatient()), 1ms);
        }
        break;
      case 5:
        cache_.resize({.max_entries = 8 + chance_.below(200), .max_bytes = 20'000});
        break;
      case 6:
        if (chance_.one_in(4)) cache_.clear();
        break;
      case 7:
        cache_.erase_if([](const std::string&, const std::string& v) { return v.size() > 90; });
        break;
      case 8:
        static_cast<void>(cache_.flush(1ms));
        break;
      default:
        cache_.purge_expired();
        // A slot may still run when its connection is gone, and this object with it.
        connection_ = cache_.events().connect(EventType::entry_evicted,
                                              [&cache = cache_](const Event& event) {
                                                EXPECT_FALSE(event.key().empty());
                                                static_cast<void>(cache.contains("key:1"));
                                              });
    }
  }

  Cache& cache_;
  std::shared_ptr<FlakyStore> store_;
  Chance chance_;
  std::optional<Snapshot> kept_;
  EventConnection connection_;
};

/// What must be true of a cache that nobody uses, whatever has been done to it.
void check_at_rest(Cache& cache, BackingStore& store) {
  cache.purge_expired();
  std::uint64_t entries = 0;
  std::uint64_t weight = 0;
  std::vector<std::string> keys;
  cache.for_each([&](const std::string& key, const std::string& value) {
    ++entries;
    weight += key.size() + value.size();
    keys.push_back(key);
    if (const auto in_store = stored(store, key)) {
      EXPECT_EQ(*in_store, value) << key;
    }
  });
  // Some may expire between two looks, and none can come.
  EXPECT_LE(cache.size(), entries);
  EXPECT_LE(cache.weight(), weight);
  for (const auto& key : keys) {
    const auto info = cache.inspect(key);
    if (info) {
      EXPECT_EQ(info->state, EntryState::clean) << key << " after a complete flush";
    }
  }
  cache.resize({.max_entries = 1});  // Finds entries through the strategy alone.
  EXPECT_LE(cache.size(), 1U);
  EXPECT_EQ(cache.stats().dirty_writes_pending, 0U);
}

TEST(Stress, EverythingAtOnceLeavesTableStrategyAndStoreInAgreement) {  // traps D1, F1, G8, C1
  for (std::uint64_t round = 0; round < stress_factor(); ++round) {
    const auto store = std::make_shared<FlakyStore>(stress_seed() + round, false);
    auto options = small(round);
    options.sweep_interval = 100us;
    Cache cache(options);
    cache.set_write_policy(write_back(store, impatient()));
    std::vector<std::unique_ptr<Mixer>> mixers;
    for (std::uint64_t i = 0; i < 5; ++i) {
      mixers.push_back(std::make_unique<Mixer>(cache, store, Chance(round, i)));
    }
    in_threads(mixers.size(), [&](std::uint64_t thread) {
      for (int i = 0; i < 1'500; ++i) mixers[thread]->act();
    });
    store->mend();
    const auto report = cache.flush();
    EXPECT_TRUE(report.complete()) << report.error;
    check_at_rest(cache, *store);
    const auto stats = cache.stats();
    EXPECT_EQ(stats.observer_errors, 0U);
  }
}

// Goal: what a restore writes to the store is owed like any other write, and seen to be stored.
// Method: the restored content is of another cache, so that all of it is written, while the
// policy's thread stores it and other threads write the same keys.
TEST(Stress, ARestoreUnderWriteBackLeavesNoEntryDirtyForEver) {
  Cache elsewhere(small(0));
  for (int i = 0; i < 50; ++i) elsewhere.set("key:" + std::to_string(i), "from elsewhere");
  const auto foreign = elsewhere.take_snapshot();
  for (std::uint64_t round = 0; round < stress_factor(); ++round) {
    const auto store = std::make_shared<FlakyStore>(stress_seed() + round, false);
    store->mend();
    Cache cache(small(round));
    auto policy = impatient();
    policy.loss_window_max = 0ns;
    policy.dirty_max = 1'000;
    cache.set_write_policy(write_back(store, policy));
    in_threads(3, [&](std::uint64_t thread) {
      Chance chance(round, thread);
      for (int i = 0; i < 300; ++i) {
        if (thread == 0) {
          cache.restore_snapshot(foreign);
        } else {
          cache.set("key:" + std::to_string(chance.below(50)), std::to_string(i));
        }
      }
    });
    EXPECT_TRUE(cache.flush().complete());
    check_at_rest(cache, *store);
  }
}

// Goal: a cache can go away at any moment: in mid-sweep, in mid-flush, scraped, with its store
// down. Method: many short lives; whoever outlives a cache holds what it may hold, probe, snapshot
// and store.
TEST(Stress, ACacheGoesAwayInMidFlushAndMidSweep) {  // traps F3, I9
  std::shared_ptr<CacheProbe> probe;
  std::mutex mutex;
  std::atomic<bool> stop{false};
  std::jthread observer([&] {
    while (!stop) {
      std::shared_ptr<CacheProbe> seen;
      {
        const std::lock_guard lock(mutex);
        seen = probe;
      }
      if (seen) seen->with_cache([](CacheBase& cache) { static_cast<void>(cache.stats().hits); });
    }
  });
  for (std::uint64_t round = 0; round < 20 * stress_factor(); ++round) {
    const auto store = std::make_shared<FlakyStore>(stress_seed() + round, false);
    Chance chance(round, 0);
    std::optional<Snapshot> kept;
    {
      auto options = small(round);
      options.default_ttl = 300us;
      options.sweep_interval = 1us;
      Cache cache(options);
      auto policy = impatient();
      policy.shutdown_limit = std::chrono::microseconds(chance.below(3'000));
      cache.set_write_policy(write_back(store, policy));
      {
        const std::lock_guard lock(mutex);
        probe = cache.probe();
      }
      in_threads(3, [&](std::uint64_t thread) {
        Mixer mixer(cache, store, Chance(round, thread));
        for (int i = 0; i < 60; ++i) mixer.act();
      });
      kept = cache.take_snapshot();
      store->set_down(chance.one_in(2));
      for (int i = 0; i < 30; ++i) {
        try {
          cache.set("last:" + std::to_string(i), "words");
        } catch (const StoreError&) {
          break;  // The queue is full, as it should be over a store that is down.
        }
      }
    }
    Cache heir(small(round));
    heir.restore_snapshot(*kept);
    EXPECT_LE(heir.size(), 64U);
  }
  stop = true;
}

}  // namespace
}  // namespace tarmac::core_tests
