// What write-back costs a set(), and how quickly it brings writes to SQLite and Redis.
//
// Usage: store_bench set WRITES                a set() with write-back, against a plain one
//        store_bench sqlite FOLDER WRITES      a flush, against loops written by hand
//        store_bench redis SOCKET WRITES       a flush of new keys, and one of the same keys
//        store_bench poison SOCKET WRITES      a flush with and without 1 % that Redis refuses
// Prints JSON; bench/reporting/stores.py makes the page. Values have 100 bytes.
#include <tarmac/core/cache_manager.h>
#include <tarmac/policies/none.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/stores/redis_store.h>
#include <tarmac/stores/sqlite_store.h>
#include <tarmac/strategies/catalog.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "stores/sqlite_loop.h"

namespace tarmac::bench {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 256;
/// Of a loop that gives SQLite many rows with one statement, as the store does.
constexpr std::size_t kRowsOfStatement = 64;
constexpr std::uint64_t kSeed = 7;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

CacheOptions options_for(std::size_t entries) {
  CacheOptions options;
  options.name = "measured";
  options.max_entries = entries + entries / 4;
  return options;
}

std::string text_key(std::size_t number) {
  auto digits = std::to_string(number);
  return "key:" + std::string(12 - digits.size(), '0') + digits;
}

/// Keys of which all are cached, in an order of chance.
template <class Key>
std::vector<Key> keys_to_set(std::size_t writes) {
  std::vector<Key> keys;
  keys.reserve(writes);
  std::mt19937_64 random(kSeed);
  for (std::size_t i = 0; i < writes; ++i) {
    const auto number = random() % writes;
    if constexpr (std::is_integral_v<Key>) {
      keys.push_back(number);
    } else {
      keys.push_back(text_key(number));
    }
  }
  return keys;
}

template <class Key, class Value>
class Setter {
 public:
  Setter(std::size_t writes, Value value)
      : keys_(keys_to_set<Key>(writes)), value_(std::move(value)), cache_(options_for(writes)) {
    for (const auto& key : keys_) cache_.set(key, value_);
  }

  /// Nanoseconds of a set() while a queue has room for all of them; its store takes them meanwhile.
  double run(bool writes_back) {
    cache_.set_write_policy(writes_back
                                ? write_back(make_memory_store(), {.dirty_max = 2 * keys_.size()})
                                : no_write_policy());
    const auto start = SteadyClock::now();
    for (const auto& key : keys_) cache_.set(key, value_);
    const auto passed = seconds_since(start);
    if (!cache_.flush().complete()) throw std::runtime_error("not all of it was flushed");
    return passed * 1e9 / static_cast<double>(keys_.size());
  }

 private:
  const std::vector<Key> keys_;
  const Value value_;
  CacheManager<Key, Value> cache_;
};

void measure_set(std::size_t writes) {
  Setter<std::uint64_t, std::uint64_t> ints(writes, 1);
  Setter<std::string, std::string> texts(writes, std::string(100, 'v'));
  const auto print = [](const char* name, auto& setter) {
    static_cast<void>(setter.run(true));  // Its memory is at hand by then.
    const auto plain = setter.run(false);
    const auto back = setter.run(true);
    std::printf("\"%s\": {\"plain_ns\": %.1f, \"write_back_ns\": %.1f}", name, plain, back);
  };
  std::printf("{");
  print("ints", ints);
  std::printf(", ");
  print("texts", texts);
  std::printf("}\n");
}

/// A cache whose writes all wait for a flush.
class Flusher {
 public:
  Flusher(std::shared_ptr<BackingStore> store, std::size_t writes, WriteBackOptions options = {})
      : cache_(options_for(writes)) {
    options.loss_window_max = 1h;
    options.batch_max = kBatch;
    options.dirty_max = 2 * writes;
    cache_.set_write_policy(write_back(std::move(store), options));
    connection_ = cache_.events().connect(EventType::flushed, [this](const Event& event) {
      flushed_.emplace_back(event.count, SteadyClock::now());
    });
  }

  void set(const std::string& key, const std::string& value) { cache_.set(key, value); }
  /// How long it takes, and the mean time that a write has waited for in it.
  std::pair<double, double> flush() {
    const auto start = SteadyClock::now();
    const auto report = cache_.flush(600s);
    const auto seconds = seconds_since(start);
    if (!report.complete()) throw std::runtime_error(report.error);
    double writes = 0;
    double waited = 0;
    for (const auto& [count, when] : flushed_) {
      writes += static_cast<double>(count);
      waited += static_cast<double>(count) * std::chrono::duration<double>(when - start).count();
    }
    return {seconds, writes == 0 ? 0 : waited / writes};
  }

 private:
  CacheManager<std::string, std::string> cache_;
  /// Of the policy's threads, of which one reports at a time, until the flush has ended.
  std::vector<std::pair<std::uint64_t, SteadyClock::time_point>> flushed_;
  EventConnection connection_;
};

/// So that no batch is written ahead of the flush that is measured.
class HeldStore final : public BackingStore {
 public:
  explicit HeldStore(std::shared_ptr<BackingStore> inner) : inner_(std::move(inner)) {}
  void release() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    released_.notify_all();
  }
  [[nodiscard]] std::string_view name() const noexcept override { return inner_->name(); }
  [[nodiscard]] std::optional<StoredValue> load(std::string_view key, WallNanos now) override {
    return inner_->load(key, now);
  }
  void write(std::span<const StoreWrite> batch) override {
    {
      std::unique_lock lock(mutex_);
      released_.wait(lock, [this] { return !held_; });
    }
    inner_->write(batch);
  }
  void scan(const std::function<void(std::string_view, const StoredValue&)>& visit) override {
    inner_->scan(visit);
  }
  [[nodiscard]] std::size_t size() override { return inner_->size(); }

 private:
  const std::shared_ptr<BackingStore> inner_;
  std::mutex mutex_;
  std::condition_variable released_;
  bool held_ = true;
};

std::vector<std::string> text_keys(std::size_t count) {
  std::vector<std::string> keys;
  keys.reserve(count);
  for (std::size_t i = 0; i < count; ++i) keys.push_back(text_key(i));
  return keys;
}

std::pair<double, double> time_flush(const std::shared_ptr<BackingStore>& store,
                                     const std::vector<std::string>& keys,
                                     const WriteBackOptions& options = {}, char letter = 'v') {
  const auto held = std::make_shared<HeldStore>(store);
  Flusher flusher(held, keys.size(), options);
  const std::string value(100, letter);
  for (const auto& key : keys) flusher.set(key, value);
  held->release();
  return flusher.flush();
}

double time_loop(const std::filesystem::path& path, SqliteLoop::Rows rows, std::size_t each) {
  SqliteLoop loop(path);
  const auto start = SteadyClock::now();
  loop.write(rows, kBatch, each);
  const auto passed = seconds_since(start);
  if (loop.size() != rows.size()) throw std::runtime_error("rows are missing");
  return passed;
}

void measure_sqlite(const std::filesystem::path& folder, std::size_t writes) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (std::size_t i = 0; i < writes; ++i) rows.emplace_back(text_key(i), std::string(100, 'v'));
  const auto by_hand = time_loop(folder / "loop.db", rows, 1);
  const auto by_hand_of_many = time_loop(folder / "loop_of_many.db", rows, kRowsOfStatement);
  const auto store = make_sqlite_store({.path = folder / "store.db"});
  const auto flushed = time_flush(store, text_keys(writes)).first;
  if (store->size() != writes) throw std::runtime_error("rows are missing");
  std::printf("{\"loop_seconds\": %.4f, \"loop_of_many_seconds\": %.4f, \"flush_seconds\": %.4f}\n",
              by_hand, by_hand_of_many, flushed);
}

RedisStoreOptions redis_at(const std::string& socket) {
  RedisStoreOptions options;
  options.unix_socket = socket;
  options.prefix = "";  // As redis-benchmark has none.
  options.call_limit = 60s;
  return options;
}

void measure_redis(const std::string& socket, std::size_t writes) {
  const auto store = make_redis_store(redis_at(socket));
  // Each time in another order of chance, as redis-benchmark has none either: a server has keys
  // that came one after the other side by side in its memory.
  auto keys = text_keys(writes);
  std::mt19937_64 random(kSeed);
  std::shuffle(keys.begin(), keys.end(), random);
  const auto flushed = time_flush(store, keys).first;
  if (store->size() != writes) throw std::runtime_error("keys are missing");
  std::shuffle(keys.begin(), keys.end(), random);
  const auto again = time_flush(store, keys, {}, 'w').first;
  for (const auto number : {std::size_t{0}, writes - 1}) {
    const auto found = store->load(text_key(number), 0);
    if (!found || found->bytes.front() != 'w') throw std::runtime_error("a key has its old value");
  }
  std::printf("{\"flush_seconds\": %.4f, \"again_seconds\": %.4f}\n", flushed, again);
}

/// Below `poisoned:` the caller has put a value that is not the store's own under every hundredth
/// key.
void measure_poison(const std::string& socket, std::size_t writes) {
  auto options = redis_at(socket);
  options.prefix = "clean:";
  const auto keys = text_keys(writes);
  const auto clean = time_flush(make_redis_store(options), keys).second;
  options.prefix = "poisoned:";
  WriteBackOptions policy;
  policy.dead_letters = std::filesystem::path(socket).parent_path() / "letters.jsonl";
  const auto poisoned = time_flush(make_redis_store(options), keys, policy).second;
  std::printf("{\"clean_wait\": %.6f, \"poisoned_wait\": %.6f}\n", clean, poisoned);
}

int run(const std::string& what, const std::vector<std::string>& arguments) {
  const auto count = [&](std::size_t place) { return std::stoul(arguments.at(place)); };
  const std::map<std::string, std::function<void()>> cells{
      {"set", [&] { measure_set(count(0)); }},
      {"sqlite", [&] { measure_sqlite(arguments.at(0), count(1)); }},
      {"redis", [&] { measure_redis(arguments.at(0), count(1)); }},
      {"poison", [&] { measure_poison(arguments.at(0), count(1)); }}};
  const auto cell = cells.find(what);
  if (cell == cells.end()) throw std::invalid_argument("set, sqlite, redis or poison is needed");
  cell->second();
  return 0;
}

}  // namespace
}  // namespace tarmac::bench

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.empty()) throw std::invalid_argument("set, sqlite, redis or poison is needed");
    return tarmac::bench::run(words.front(), {words.begin() + 1, words.end()});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "store_bench: %s\n", error.what());
    return 2;
  }
}
