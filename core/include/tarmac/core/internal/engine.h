// The machinery behind CacheManager. The members are defined in the engine_*.h included at the end.
#pragma once

#include <tarmac/core/codec.h>
#include <tarmac/core/hash.h>
#include <tarmac/core/internal/engine_forward.h>
#include <tarmac/core/internal/engine_state.h>
#include <tarmac/core/internal/shard.h>
#include <tarmac/core/internal/spin_then_wait.h>
#include <tarmac/core/internal/sweeper.h>
#include <tarmac/core/internal/write_intent.h>

#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace tarmac::internal {

template <class K, class V, class HashFunction, class Equal>
class Engine final : public WritePolicyHost, private EngineState {
 public:
  using ShardType = Shard<K, V, Equal>;
  using EntryType = Entry<K, V>;
  using EffectsType = Effects<K, V>;
  using Key = lookup_key_t<K>;
  using Flight = LoadFlight<K, V>;

  Engine(CacheOptions options, EventBus& events);
  ~Engine() override;  ///< Requires: shut_down() was called.
  /// Ends background work and writes what is dirty, while slots can still use the cache.
  void shut_down();

  // Single keys. -------------------------------------------------------------------------------

  [[nodiscard]] std::uint64_t hash_of(Key key) const { return HashFunction{}(key, seed_); }
  [[nodiscard]] static bool same_key(const K& a, const K& b) { return Equal{}(a, b); }
  /// Counts and records a look-up; calls `use(const V&)` for a hit, whose value is kept meanwhile.
  /// Takes no lock unless somebody listens to hits or misses. read_hit(): see get_hit().
  template <class Use>
  bool read(Key key, Use&& use);
  template <class Usable, class Use>
  void read_hit(Key key, Usable& usable, Use&& use);
  bool copy(Key key, std::optional<V>& found) {
    return read(key, [&found](const V& value) { found.emplace(value); });
  }
  [[nodiscard]] bool contains(Key key) const;
  /// The current version without counting anything.
  [[nodiscard]] std::optional<Version<V>> peek(Key key);
  [[nodiscard]] std::optional<EntryInfo> inspect(Key key);
  /// The only way a value or a removal gets into the cache. `hash`: from expect_write(key).
  Mutation<V> write(Key key, std::uint64_t hash, WriteIntent<V>&& intent);
  [[nodiscard]] std::uint64_t expect_write(Key key) const;
  /// The same for different keys of a durable cache, at once: all of `writes` is in the log, or
  /// nothing. False, with nothing changed, if a key is not as expected.
  [[nodiscard]] bool write_batch(std::vector<BatchWrite<K, V>>& writes);
  [[nodiscard]] bool is_durable() const noexcept { return log_ != nullptr; }
  /// Writes what `decide(current version)` wants while no other write of the key can come between.
  void write_decided(Key key, FunctionRef<WriteIntent<V>(const std::optional<Version<V>>&)> decide);
  /// What the cache has, or what one call of `load()` gives to all who ask. The value lands in the
  /// cache unless the key was written meanwhile.
  Content<V> load(Key key, LoadCall<V> load);
  /// What the store has for `key`, or is owed; empty without a store. Throws StoreError.
  [[nodiscard]] std::optional<Version<V>> stored(Key key);
  /// In their order; none at all if the store is not to be read or does not answer.
  [[nodiscard]] std::vector<std::optional<Version<V>>> stored_many(const std::vector<K>& keys);
  /// No load that has begun by now will land.
  void supersede_loads();
  /// What else there is to loading (engine_load.h).
  class Loads;
  [[nodiscard]] Loads loads() noexcept;
  /// A value made ready to be written, with its deadline by `ttl` (empty: the default).
  [[nodiscard]] Version<V> make_version(V&& value, std::optional<std::chrono::nanoseconds> ttl);
  /// Destroys what was removed, unless a reader is looking at it just now.
  void reclaim();

  // The cache as a whole. ----------------------------------------------------------------------

  void clear();
  void for_each_version(FunctionRef<void(const K&, const Version<V>&)> visit);
  void resize(const Capacity& capacity);
  std::uint64_t purge_expired();
  void swap_strategy(const StrategyChoice& choice);
  void set_write_policy(std::unique_ptr<WritePolicy> policy, std::chrono::nanoseconds limit);
  FlushReport flush(std::chrono::nanoseconds limit);
  [[nodiscard]] std::shared_ptr<const SnapshotData<K, V>> take_snapshot();
  void restore_snapshot(const SnapshotData<K, V>& snapshot);
  void replace_content(const SnapshotData<K, V>& snapshot,
                       std::vector<std::shared_ptr<ShardContent<K, V>>>& contents);

  /// Opens the log, if the options want one, and brings back what it says; before all else.
  void recover();
  [[nodiscard]] const std::optional<RecoveryReport>& recovery() const noexcept { return recovery_; }
  /// Makes an image of the content, so that the log before it can go. Throws UsageError without a
  /// log, and DurabilityError, with the log as it was.
  void compact();
  void save_snapshot(const std::filesystem::path& file);
  void load_snapshot(const std::filesystem::path& file);

  [[nodiscard]] std::uint64_t live_entries();
  [[nodiscard]] std::uint64_t live_weight();
  void fill_stats(Stats& stats) const;
  [[nodiscard]] std::string strategy_name() const { return strategy().name; }
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
  void on_flush_states(std::span<const StoreWrite> writes, EntryState state) noexcept override;
  SteadyNanos hand_over(std::size_t most) override;
  void on_flushed(std::uint64_t writes, std::int64_t nanoseconds) noexcept override;
  void on_store_error(std::string_view message) noexcept override;
  void on_dead_letter(std::string_view message) noexcept override;

 private:
  /// The lock of one key, for as long as its write takes.
  class KeyHold;
  struct AtOnce;
  struct Quick;
  [[nodiscard]] std::optional<Version<V>> stored_for(std::optional<KeyHold>& hold, Key key);
  [[nodiscard]] std::size_t shard_index(std::uint64_t hash) const noexcept {
    // The table uses the lower bits, the shard the upper ones.
    return static_cast<std::size_t>(hash >> 48U) & shard_mask_;
  }
  [[nodiscard]] ShardType& shard_of(std::uint64_t hash) const noexcept {
    return *shards_[shard_index(hash)];
  }
  void reclaim(ShardType& shard);
  template <class Use>
  bool read_with_care(ShardType& shard, Key key, std::uint64_t hash, Use& use);
  [[gnu::noinline]] Content<V> read_locked(ShardType& shard, Key key, std::uint64_t hash);
  /// Runs when a shard's lock has been released: events, and room that the shard had not itself.
  void after_unlock(ShardType& shard, SteadyNanos deadline);
  /// Evicts until the cache is within its bounds; from `spared`, which was just written to, last.
  void relieve(ShardType* spared);
  void evict_one_if_over(ShardType& shard, bool& found);
  void retire(const WritePolicy& policy);
  void wake_sweeper(SteadyNanos deadline);
  SteadyNanos sweep(std::uint64_t* removed);
  [[nodiscard]] SteadyNanos jittered_deadline(SteadyNanos now, std::int64_t ttl);
  [[nodiscard]] bool is_to_be_made(const ShardType& shard, Key key, std::uint64_t hash) const;
  Ref<EntryType> make_entry(Key key, std::uint64_t hash, const Version<V>& version) const;
  Ref<EntryType> make_entry_in(ShardType& shard, Key key, std::uint64_t hash,
                               const Version<V>& version) const;
  void add_timer(EntryType& entry, SteadyNanos deadline) const;
  Mutation<V> apply(ShardType& shard, Key key, std::uint64_t hash, const WriteIntent<V>& intent,
                    EntryState state, Ref<EntryType>& spare);
  bool write_aside(Key key, std::uint64_t hash, WriteIntent<V>& intent, Mutation<V>& mutation);
  HandedOver hand_over_block(ShardType& shard, std::uint64_t last, SteadyNanos& oldest) const;
  void hand_over_all(ShardType& shard) const;
  static void change_states(ShardType& shard, std::span<const StoreWrite* const> writes,
                            EntryState state) noexcept;
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
  [[nodiscard]] Ref<EntryType> revive(Key key, std::uint64_t hash,
                                      const SnapshotRecord<K, V>& record, SteadyNanos now) const;
  void order_copies(SnapshotData<K, V>& data);
  void make_copies();
  void write_contents(WritePolicy& policy,
                      const std::vector<std::shared_ptr<ShardContent<K, V>>>& contents);
  void mark_dirty_entries();
  /// Leaves what there is to its readers. Requires: all shards' locks. Returns how many are new.
  std::uint64_t install(std::vector<std::shared_ptr<ShardContent<K, V>>>& contents);

  struct Replay;
  using ImageEntries = std::vector<std::vector<ImageEntry<K, V>>>;
  EntryState write_logged(KeyHold& hold, Key key, const WriteIntent<V>& intent,
                          WritePolicy* policy);
  void make_logged(LoggedWrite& logged, Key key, std::uint64_t hash, const WriteIntent<V>& intent,
                   const WritePolicy* policy) const;
  void bring_to_store(LoggedWrite& logged, WritePolicy* policy);
  void make_mending(LoggedWrite& mending, KeyHold& hold, Key key,
                    const std::optional<StoreWrite>& owed, const std::optional<Version<V>>& stored);
  void commit_mending(std::span<const JournalRecord> records);
  struct BatchStep;
  [[nodiscard]] bool write_steps(std::deque<BatchStep>& steps, std::deque<EffectsType>& effects);
  void take_back(std::deque<BatchStep>& steps, std::size_t brought, WritePolicy* policy);
  [[nodiscard]] JournalRecord record_of(const StoreWrite& write, const Version<V>& version) const;
  [[nodiscard]] JournalRecord debt_record(const StoreWrite& debt) const;
  void note_stored(const StoreWrite& write) noexcept;
  [[nodiscard]] bool note_loaded(StoreWrite& write, const WriteIntent<V>& intent, Key key);
  void clear_logged();
  void clear_shard(ShardType& shard, EffectsType& effects);
  void restore_logged(const SnapshotData<K, V>& snapshot,
                      std::vector<std::shared_ptr<ShardContent<K, V>>>& contents);
  void tend_log();
  SteadyNanos compact_in_background();
  [[nodiscard]] std::shared_ptr<SnapshotData<K, V>> copy_for_image(
      std::unique_ptr<ImageWriter>& writer, std::vector<StoreWrite>& debts);
  [[nodiscard]] ImageHeader image_header(const StrategyChoice& choice) const;
  [[nodiscard]] static ImageEntries image_entries(const SnapshotData<K, V>& data);
  void write_image(ImageWriter& writer, ImageEntries entries,
                   const std::vector<StoreWrite>& debts) const;
  void log_restored(const SnapshotData<K, V>& snapshot,
                    const std::vector<std::shared_ptr<ShardContent<K, V>>>& contents);
  void change_strategy(const StrategyChoice& choice);
  void hand_over_debts(WritePolicy& policy);
  void tell_recovered(const std::string& about_strategy);
  void fill_log_stats(Stats& stats) const;
  void refuse_uncoded(const char* call) const;
  /// Tells the shards how many entries to expect.
  void share_capacity();
  [[nodiscard]] std::unique_lock<std::mutex> lock_admin() const { return lock_whole(admin_mutex_); }
  [[nodiscard]] std::unique_lock<std::mutex> lock_whole(std::mutex& mutex) const;
  /// The function of compute() would be called again for ever if it cleared its own cache.
  void refuse_inside_compute(const char* call) const;

  std::vector<std::unique_ptr<ShardType>> shards_;
  std::size_t shard_mask_ = 0;
  // Their threads look at all of the above.
  std::unique_ptr<Sweeper> sweeper_;
  std::unique_ptr<Sweeper> compactor_;
};

}  // namespace tarmac::internal

#include <tarmac/core/internal/engine_batch.h>
#include <tarmac/core/internal/engine_durable.h>
#include <tarmac/core/internal/engine_entries.h>
#include <tarmac/core/internal/engine_image.h>
#include <tarmac/core/internal/engine_load.h>
#include <tarmac/core/internal/engine_parts.h>
#include <tarmac/core/internal/engine_read.h>
#include <tarmac/core/internal/engine_recovery.h>
#include <tarmac/core/internal/engine_replay.h>
#include <tarmac/core/internal/engine_set_aside.h>
#include <tarmac/core/internal/engine_snapshot.h>
#include <tarmac/core/internal/engine_store.h>
#include <tarmac/core/internal/engine_whole.h>
#include <tarmac/core/internal/engine_write.h>
