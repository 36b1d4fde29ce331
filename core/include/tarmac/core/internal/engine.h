// The machinery behind CacheManager: shards, the one way a write takes, and changes of the whole.
// The members are defined in engine_read.h, engine_write.h, engine_load.h, engine_load_ends.h,
// engine_load_more.h, engine_entries.h and engine_store.h (single keys), engine_whole.h,
// engine_parts.h and engine_snapshot.h (the cache as a whole).
#pragma once

#include <tarmac/core/cache_options.h>
#include <tarmac/core/codec.h>
#include <tarmac/core/error.h>
#include <tarmac/core/hash.h>
#include <tarmac/core/internal/gate.h>
#include <tarmac/core/internal/shard.h>
#include <tarmac/core/internal/spin_then_wait.h>
#include <tarmac/core/internal/sweeper.h>
#include <tarmac/core/write_policy.h>

#include <atomic>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace tarmac::internal {

/// How many shards a cache gets: at most what the machine can use, and no more than leaves each one
/// enough entries to evict by its own judgement.
[[nodiscard]] std::size_t choose_shard_count(const CacheOptions& options);

/// What one write is to do to its key.
template <class V>
struct WriteIntent {
  /// The new value, whose stamp the write will give it; without a content, the key is removed.
  Version<V> next;
  /// False for a value that goes to the store but is too large for the cache.
  bool keep_in_cache = true;
  RemovalCause removal_cause = RemovalCause::erased;
  /// Whether the version before is wanted, and if it is to be asked of the store where the key is
  /// not cached: for undo.
  bool want_before = false;
  /// If set, the write happens only while the key has the version of this stamp; 0 stands for an
  /// absent key.
  std::optional<std::uint64_t> expected;

  [[nodiscard]] bool keeps() const noexcept { return keep_in_cache && next; }
};

/// What a write has done: what changed, and what was there before.
template <class V>
struct Mutation {
  bool applied = false;
  /// The key was cached.
  bool was_present = false;
  /// If it was wanted.
  std::optional<Version<V>> before;
  /// `before` came from the store; its weight is unknown.
  bool loaded = false;
  /// Of this write; 0 if the key is absent now.
  std::uint64_t stamp = 0;
};

template <class K, class V>
struct SnapshotData;
template <class K, class V>
struct ShardContent;

template <class K, class V, class HashFunction, class Equal>
class Engine final : public WritePolicyHost {
 public:
  using ShardType = Shard<K, V, Equal>;
  using EntryType = Entry<K, V>;
  using EffectsType = Effects<K, V>;
  using Key = lookup_key_t<K>;
  using Flight = LoadFlight<K, V>;

  Engine(CacheOptions options, EventBus& events);
  /// Requires: shut_down() was called.
  ~Engine() override;
  /// Ends background work and writes what is dirty, while slots can still use the cache.
  void shut_down();

  // Single keys. -------------------------------------------------------------------------------

  [[nodiscard]] std::uint64_t hash_of(Key key) const { return HashFunction{}(key, seed_); }
  [[nodiscard]] static bool same_key(const K& a, const K& b) { return Equal{}(a, b); }
  /// Counts and records a look-up; calls `use(const V&)` for a hit, with the value kept from being
  /// destroyed meanwhile. Takes no lock unless somebody listens to hits or misses.
  template <class Use>
  bool read(Key key, Use&& use);
  [[nodiscard]] bool contains(Key key) const;
  /// The current version without counting anything.
  [[nodiscard]] std::optional<Version<V>> peek(Key key);
  [[nodiscard]] std::optional<EntryInfo> inspect(Key key);
  /// The only way a value or a removal gets into the cache.
  Mutation<V> write(Key key, WriteIntent<V> intent);
  /// Writes what `decide(current version)` wants while no other write of the key can come between.
  template <class Decide>
  void write_decided(Key key, Decide&& decide);
  /// What the cache has, or what one call of `load()` gives to all who ask: a
  /// std::optional<WriteIntent>. The value lands in the cache unless the key was written meanwhile.
  template <class Load>
  Content<V> load(Key key, Load&& load);
  /// What the store has for `key`, or is owed; empty without a store. Throws StoreError.
  [[nodiscard]] std::optional<Version<V>> stored(Key key);
  /// No load that has begun by now will land.
  void supersede_loads();
  /// What else there is to loading (engine_load.h).
  class Loads;
  [[nodiscard]] Loads loads() noexcept;
  /// A value made ready to be written, with its deadline by `ttl` (empty: the default).
  [[nodiscard]] Version<V> make_version(V&& value, std::optional<std::chrono::nanoseconds> ttl);
  /// Destroys what was removed, unless a reader is looking at it just now.
  void reclaim() {
    for (auto& shard : shards_) reclaim(*shard);
  }

  // The cache as a whole. ----------------------------------------------------------------------

  void clear();
  template <class Visit>
  void for_each_version(Visit&& visit);
  void resize(const Capacity& capacity);
  std::uint64_t purge_expired();
  void swap_strategy(std::string name, const StrategyFactory& factory);
  void set_write_policy(std::unique_ptr<WritePolicy> policy, std::chrono::nanoseconds limit);
  FlushReport flush(std::chrono::nanoseconds limit);
  [[nodiscard]] std::shared_ptr<const SnapshotData<K, V>> take_snapshot();
  void restore_snapshot(const SnapshotData<K, V>& snapshot);

  [[nodiscard]] std::uint64_t live_entries();
  [[nodiscard]] std::uint64_t live_weight();
  void fill_stats(Stats& stats) const;
  [[nodiscard]] std::string strategy_name() const;
  [[nodiscard]] std::shared_ptr<WritePolicy> policy() const;
  [[nodiscard]] const CacheOptions& options() const noexcept { return options_; }
  [[nodiscard]] Budget& budget() noexcept { return budget_; }
  [[nodiscard]] const Budget& budget() const noexcept { return budget_; }
  [[nodiscard]] StripedCounters& counters() noexcept { return counters_; }
  [[nodiscard]] std::size_t shard_count() const noexcept { return shards_.size(); }
  /// Tells observers of a change of the whole.
  void announce(EventType type, std::string_view detail, std::uint64_t count,
                std::int64_t nanoseconds);

  // For the write policy. ----------------------------------------------------------------------

  [[nodiscard]] std::string_view cache_name() const noexcept override { return options_.name; }
  [[nodiscard]] const std::shared_ptr<Clock>& clock() const noexcept override { return clock_; }
  void on_flush_state(const StoreWrite& write, EntryState state) noexcept override;
  void on_flushed(std::uint64_t writes, std::int64_t nanoseconds) noexcept override;
  void on_store_error(std::string_view message) noexcept override;
  void on_dead_letter(std::string_view message) noexcept override;

 private:
  /// At most so many expired entries leave under one hold of a shard's lock.
  static constexpr std::uint64_t kSweepBatch = 256;

  /// The lock of one key, for as long as its write takes.
  class KeyHold;

  [[nodiscard]] std::size_t shard_index(std::uint64_t hash) const noexcept {
    // The table uses the lower bits, the shard the upper ones.
    return static_cast<std::size_t>(hash >> 48U) & shard_mask_;
  }
  [[nodiscard]] ShardType& shard_of(std::uint64_t hash) const noexcept {
    return *shards_[shard_index(hash)];
  }
  void reclaim(ShardType& shard);
  template <class Use>
  [[gnu::noinline]] bool read_locked(ShardType& shard, Key key, std::uint64_t hash, Use&& use);
  /// Runs when a shard's lock has been released: events, and room that the shard had not itself.
  void after_unlock(ShardType& shard, SteadyNanos deadline);
  /// Evicts until the cache is within its bounds; from `spared`, where what was just written is,
  /// only when no other shard has anything left.
  void relieve(ShardType* spared);
  void evict_one_if_over(ShardType& shard, bool& found);
  void retire(const WritePolicy& policy);
  void wake_sweeper(SteadyNanos deadline);
  SteadyNanos sweep(std::uint64_t* removed);

  [[nodiscard]] SteadyNanos jittered_deadline(SteadyNanos now, std::int64_t ttl);
  [[nodiscard]] bool may_be_cached(const ShardType& shard, Key key, std::uint64_t hash) const;
  Ref<EntryType> make_entry(Key key, std::uint64_t hash, const Version<V>& version) const;
  Mutation<V> apply(ShardType& shard, Key key, std::uint64_t hash, const WriteIntent<V>& intent,
                    EntryState state, Ref<EntryType>& spare);
  Mutation<V> write_and_release(std::optional<KeyHold>& hold, Key key, WriteIntent<V>& intent,
                                EffectsType& effects);
  Mutation<V> write_held(KeyHold& hold, Key key, WriteIntent<V>& intent, EffectsType& effects);
  [[nodiscard]] std::optional<Version<V>> load_stored(const WritePolicy& policy, Key key) const;
  [[nodiscard]] StoreWrite encode(Key key, std::uint64_t hash, const Version<V>& version) const;
  [[nodiscard]] std::vector<std::unique_ptr<EvictionStrategy>> make_strategies(
      const StrategyFactory& factory) const;
  [[nodiscard]] std::vector<std::unique_lock<std::mutex>> lock_all() const;
  [[nodiscard]] std::vector<std::shared_ptr<ShardContent<K, V>>> build_aside(
      const SnapshotData<K, V>& snapshot, SteadyNanos now) const;
  void restore_store(const SnapshotData<K, V>& snapshot,
                     std::vector<std::shared_ptr<ShardContent<K, V>>>& contents);
  [[nodiscard]] Ref<EntryType> revive(const SnapshotRecord<K, V>& record, SteadyNanos now) const;
  void write_contents(WritePolicy& policy,
                      const std::vector<std::shared_ptr<ShardContent<K, V>>>& contents);
  void mark_dirty_entries();
  /// Tells the shards how many entries to expect.
  void share_capacity();
  [[nodiscard]] std::unique_lock<std::mutex> lock_admin() const;
  /// The function of compute() would be called again for ever if it cleared its own cache.
  void refuse_inside_compute(const char* call) const;

  const CacheOptions options_;
  const std::shared_ptr<Clock> clock_;
  const std::uint64_t seed_;
  EventBus& events_;
  StripedCounters counters_;
  DurationRecorder flush_durations_;
  DurationRecorder load_durations_;
  LoadFigures load_figures_;
  Budget budget_;
  std::vector<std::unique_ptr<ShardType>> shards_;
  std::size_t shard_mask_ = 0;

  /// Serialises changes of the whole. Before the gate, which is before the shards' locks.
  mutable std::mutex admin_mutex_;
  Gate gate_;
  mutable std::mutex names_mutex_;
  std::string strategy_name_;
  StrategyFactory strategy_factory_;
  std::shared_ptr<WritePolicy> policy_;
  /// policy_ if it writes to a store, else null. Changed with the gate closed and all shards
  /// locked, so it holds still for whoever passes the gate or has a shard's lock.
  std::atomic<WritePolicy*> active_policy_{nullptr};
  /// Figures of policies that were swapped away: counters never fall.
  WritePolicyStats former_policies_;

  std::mutex jitter_mutex_;
  std::mt19937_64 jitter_;
  std::unique_ptr<Sweeper> sweeper_;
};

}  // namespace tarmac::internal

#include <tarmac/core/internal/engine_entries.h>
#include <tarmac/core/internal/engine_load.h>
#include <tarmac/core/internal/engine_load_ends.h>
#include <tarmac/core/internal/engine_load_more.h>
#include <tarmac/core/internal/engine_parts.h>
#include <tarmac/core/internal/engine_read.h>
#include <tarmac/core/internal/engine_snapshot.h>
#include <tarmac/core/internal/engine_store.h>
#include <tarmac/core/internal/engine_whole.h>
#include <tarmac/core/internal/engine_write.h>
