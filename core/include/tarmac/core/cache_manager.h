// The cache: what an embedding program works with.
#pragma once

#include <tarmac/core/cache_base.h>
#include <tarmac/core/command.h>
#include <tarmac/core/internal/command_history.h>
#include <tarmac/core/internal/engine.h>
#include <tarmac/core/loaded.h>
#include <tarmac/core/snapshot.h>
#include <tarmac/core/weigher.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tarmac {

/// A bounded map that forgets: entries leave by capacity, by age, or because they are told to.
///
/// - Thread-safety: all members may be called from any thread, but for the destructor.
/// - Locks: no function, slot, store or value destructor of users runs under a lock of the cache;
///   hash, equality and weigher do. The function of compute() runs under a lock of its key alone.
/// - Exceptions: what users' code throws passes through. A look-up never throws for a miss. A write
///   throws StoreError if the write policy's store refuses; cache and store are then as before.
/// - With `durability`: a write throws DurabilityError if the log cannot be written. The cache is
///   then as before; after a restart it may show the write if it was the waiting that failed.
/// - Values are never changed in place: whoever has one keeps it, whatever happens to the entry.
/// - `K` and `V`: movable; `K` copyable and equality-comparable. With a store, both need a Codec.
template <class K, class V, class HashFunction = Hash<K>, class Equal = KeyEqual>
class CacheManager final : public CacheBase {
 public:
  using key_type = K;
  using mapped_type = V;
  /// What look-ups take: a std::string_view for strings, `const K&` else (see LookupKey).
  using Key = lookup_key_t<K>;

  /// Without a `weigher`, default_weigher(). Throws ConfigError for options that cannot work, and
  /// DurabilityError if what the log has acknowledged is damaged.
  explicit CacheManager(CacheOptions options = {}, Weigher<K, V> weigher = nullptr);
  /// Writes what is dirty, bounded by the write policy's limit; what remains has been told as
  /// store_error. No other thread may use the cache any more.
  ~CacheManager() override;

  // Entries --------------------------------------------------------------------------------------

  /// Sets the value of `key`. O(1) amortised (with the strategy's cost).
  SetOutcome set(Key key, V value, const SetOptions& options = {});
  /// A copy of the value. Counted as a hit or a miss, and told to the strategy.
  [[nodiscard]] std::optional<V> get(Key key);
  /// Calls `function(const V&)` without copying; false on a miss. Counted like get(). No lock is
  /// held meanwhile.
  template <class Function>
  bool visit(Key key, Function&& function);
  /// A hit, counted like any other, if `usable()` holds, which is called while the key's memory is
  /// on its way; else empty and not counted, as when a slot listens to hits: to be asked otherwise.
  template <class Usable>
  [[nodiscard]] std::optional<V> get_hit(Key key, Usable&& usable);
  /// Neither counted nor told to the strategy.
  [[nodiscard]] bool contains(Key key) const { return engine_.contains(key); }
  /// What the cache knows of an entry; neither counted nor told to the strategy.
  [[nodiscard]] std::optional<EntryInfo> inspect(Key key) { return engine_.inspect(key); }
  /// Removes `key`, from the store as well. Whether it was cached.
  bool erase(Key key);
  /// Atomic read-modify-write: `function(std::optional<V>)` gets the value, or nothing, and returns
  /// the new V (with a new TTL), or an empty optional to remove the key; compute() returns it, too.
  /// Other writes of the key wait, reads do not. It is called again only if the cache is cleared or
  /// restored meanwhile. Throws UsageError if the function writes its own key, clears or restores.
  template <class Function>
  std::optional<V> compute(Key key, Function&& function, const SetOptions& options = {});

  /// The value of `key`; where the cache has none (nor the store, with read_through), what
  /// `loader()` returns. However many threads ask, one calls its loader and the others wait for it;
  /// what it throws, all of them get, and it is not kept. A loader returns
  /// - a V, or a Loaded<V> that says TTL and weight; or
  /// - a std::optional of either: without a value nothing is kept, and all get nothing. Then this
  ///   function returns a std::optional<V>.
  /// What was loaded is clean: no write policy sees it, undo does not know it. If the key is set,
  /// erased, computed, cleared or restored while the loader runs, then its callers get what it
  /// returns but the cache does not. A value that the write policy still owes the store is returned
  /// without calling the loader; while it owes a removal, nothing that is loaded is kept.
  /// Counted like get(). The loader runs under no lock and may use the cache, but throws UsageError
  /// where it would wait for itself: by loading its own key, or in a circle with other threads.
  /// `options` (CacheOptions::loading without them) may have nothings and errors remembered, values
  /// refreshed, expired ones stand in, and waiting bounded by LoadTimeout.
  template <class Loader>
  auto get_or_load(Key key, Loader&& loader) -> internal::load_returned_t<V, Loader> {
    return get_or_load(key, std::forward<Loader>(loader), engine_.options().loading);
  }
  template <class Loader>
  auto get_or_load(Key key, Loader&& loader, const LoadOptions& options)
      -> internal::load_returned_t<V, Loader>;
  /// The same without waiting: the loader runs where `executor` has it run. It is copied, and the
  /// cache must outlive it. What an executor throws, or drops, is an exception of this future only.
  template <class Loader>
  auto load_async(Key key, Loader&& loader, const Executor& executor)
      -> std::future<internal::load_returned_t<V, Loader>>;
  /// The values of `keys`, in their order; empty where there is none. `loader(const
  /// std::vector<K>&)` is called at most once, with the keys that miss and that nobody loads, each
  /// once; it returns pairs (a map, a vector) of a K and a V or Loaded<V>. Keys that it leaves out
  /// have no value; pairs that were not asked for are ignored: they might be stale. Loads of others
  /// are waited for after its own. What it throws, all who wait for one of its keys get.
  template <class Keys, class Loader>
  [[nodiscard]] std::vector<std::optional<V>> get_many_or_load(const Keys& keys, Loader&& loader) {
    return get_many_or_load(keys, std::forward<Loader>(loader), engine_.options().loading);
  }
  template <class Keys, class Loader>
  [[nodiscard]] std::vector<std::optional<V>> get_many_or_load(const Keys& keys, Loader&& loader,
                                                               const LoadOptions& options);

  // The whole ------------------------------------------------------------------------------------

  /// Drops all entries; the store keeps its values, and what is dirty will still be written.
  void clear() { engine_.clear(); }
  /// Removes, like erase(), the entries for which `predicate(const K&, const V&)` holds. O(n).
  template <class Predicate>
  std::size_t erase_if(Predicate&& predicate);
  /// Calls `function(const K&, const V&)` for each entry. An entry that stays during the call is
  /// seen exactly once; one that comes or goes, at most once. O(n).
  template <class Function>
  void for_each(Function&& function);
  /// Entries that are not expired. O(shards + what has expired since the last look).
  [[nodiscard]] std::size_t size() { return static_cast<std::size_t>(engine_.live_entries()); }
  /// The sum of their weights.
  [[nodiscard]] std::uint64_t weight() { return engine_.live_weight(); }
  /// Replaces both bounds; a smaller cache evicts at once, by its strategy's order.
  void resize(const Capacity& capacity) { engine_.resize(capacity); }
  /// Removes what has expired, now and in this thread. Returns how many entries that were.
  std::size_t purge_expired() { return static_cast<std::size_t>(engine_.purge_expired()); }

  // Parts ----------------------------------------------------------------------------------------

  /// Changes the strategy to the one registered as `name`, which ranks what there is. Stops one
  /// shard at a time, O(n log n) in its entries. Throws ConfigError or DurabilityError, and the old
  /// one goes on. A restart keeps the new one if the options still name what they name now.
  void swap_strategy(const std::string& name, const Parameters& parameters = {});
  /// The same for a strategy that is in no registry; a restart begins with that of the options.
  void swap_strategy(const std::string& name, const StrategyFactory& factory);
  /// Changes when writes reach the store. What the old policy owes is flushed first, for at most
  /// `limit`; if that fails, throws StoreError and the old policy goes on with its dirty entries.
  void set_write_policy(std::unique_ptr<WritePolicy> policy,
                        std::chrono::nanoseconds limit = kFlushLimit) {
    engine_.set_write_policy(std::move(policy), limit);
  }
  /// Writes what is dirty, for at most `limit`. Reports a store that fails instead of throwing.
  FlushReport flush(std::chrono::nanoseconds limit = kFlushLimit) { return engine_.flush(limit); }
  static constexpr std::chrono::nanoseconds kFlushLimit = std::chrono::seconds(30);

  // Commands -------------------------------------------------------------------------------------

  /// Executes a command, which undo() can then take back. Whether anything was changed.
  template <class CommandK, class CommandV>
  bool execute(SetCommand<CommandK, CommandV> command);
  template <class CommandK>
  bool execute(DeleteCommand<CommandK> command);
  /// All steps or none: if one throws, those before it are taken back, and it is thrown on. In a
  /// durable cache the steps are one record of the log, so a crash cannot part them either.
  bool execute(const MacroCommand<K, V>& command);
  /// Takes the last executed command back: the values before it, with their remaining TTL, go
  /// through write policy and store like any other write. Two threads that undo or redo writes of
  /// one key at the same moment may find each other's, and report a conflict.
  UndoOutcome undo();
  /// Repeats the last undone command.
  UndoOutcome redo();

  // Mementos -------------------------------------------------------------------------------------

  /// The content at one point in time. No operation waits longer than the copying of one shard.
  [[nodiscard]] Snapshot take_snapshot() { return Snapshot(engine_.take_snapshot()); }
  /// Replaces the whole content, and the strategy, by those of `snapshot`; the write policy stays.
  /// The store gets its content of then, if it is the same store and can; else the restored entries
  /// are written to it. Throws UsageError for a snapshot of another type of cache, and StoreError,
  /// with the cache unchanged, if the store refuses.
  void restore_snapshot(const Snapshot& snapshot);
  /// Writes the content at one point in time to `file`, while traffic goes on; the file appears, or
  /// changes, as a whole. Needs <tarmac/durability/catalog.h>, and a Codec for key and value.
  /// Throws DurabilityError, and ConfigError or UsageError where those are missing.
  void save_snapshot(const std::filesystem::path& file) { engine_.save_snapshot(file); }
  /// Replaces the whole content by that of `file`, which any cache of these types may have written:
  /// entries with their remaining TTL, hits and order of use. All of it is verified and built aside
  /// first, so a file that is damaged changes nothing and throws DurabilityError. Strategy and
  /// write policy stay; with a store, the entries are written to it, as restore_snapshot() does.
  void load_snapshot(const std::filesystem::path& file) { engine_.load_snapshot(file); }

  /// What the constructor has found in the log; empty without one.
  [[nodiscard]] const std::optional<RecoveryReport>& recovery_report() const noexcept;
  /// Makes an image of the content now, and lets the log before it go. Throws UsageError without a
  /// log; DurabilityError if it failed, and then the log is as it was.
  void compact() { engine_.compact(); }

  // Observation ----------------------------------------------------------------------------------

  [[nodiscard]] Stats stats() const override;
  [[nodiscard]] CacheDescription describe() const override;
  /// How it was made, but for what resize() and swaps have changed.
  [[nodiscard]] const CacheOptions& options() const noexcept { return engine_.options(); }
  [[nodiscard]] const std::shared_ptr<Clock>& clock() const noexcept { return engine_.clock(); }

  /// Bytes of content of key and value (content_bytes()).
  [[nodiscard]] static Weigher<K, V> default_weigher();

 private:
  using Intent = internal::WriteIntent<V>;
  using Content = internal::Content<V>;
  using OwnedLoad = internal::OwnedLoad<K, V>;
  using Change = internal::KeyChange<K, V>;
  using Record = internal::HistoryRecord<K, V>;
  using Prepared = internal::PreparedWrite<V>;

  [[nodiscard]] Prepared prepare(Key key, V&& value, const SetOptions& options);
  [[nodiscard]] std::uint64_t weigh(Key key, const V& value) const;
  void count(SetOutcome outcome);
  [[nodiscard]] Content read_through(Key key);
  [[nodiscard]] std::optional<Intent> intend_first(Key key, internal::LoadCall<V> load);
  template <class Result>
  [[nodiscard]] std::optional<Intent> intend(Key key, Result&& result);
  template <class Loader>
  [[nodiscard]] OwnedLoad own(Loader&& loader);
  [[nodiscard]] OwnedLoad own_first(OwnedLoad load);
  template <class Loader>
  [[gnu::noinline]] Content load(Key key, Loader&& loader, const internal::LoadRules& rules);
  template <class Returned>
  std::future<Returned> future_of(Key key, internal::LoadMaker<K, V> make, const Executor& on);
  template <class Loader>
  [[gnu::noinline]] Content refresh(Key key, Loader& loader, const LoadOptions& options);
  [[nodiscard]] Change perform(Key key, std::optional<V> value, const SetOptions& options);
  [[nodiscard]] Change change_of(Key key, internal::Version<V> next,
                                 internal::Mutation<V> mutation);
  bool execute_at_once(const MacroCommand<K, V>& command);
  void finish(Record record);
  [[nodiscard]] Intent turning_intent(const Change& change) const;
  void note_turned(Record& record, Change& change, std::uint64_t stamp);
  [[nodiscard]] bool turn_at_once(Record& record);
  [[nodiscard]] bool turn(Record& record, Change& change);
  [[nodiscard]] bool turn_all(Record& record);

  Weigher<K, V> weigher_;
  internal::Engine<K, V, HashFunction, Equal> engine_;
  internal::CommandHistory<K, V, Equal> history_;
};

}  // namespace tarmac

#include <tarmac/core/internal/cache_manager_commands.h>
#include <tarmac/core/internal/cache_manager_entries.h>
#include <tarmac/core/internal/cache_manager_load_many.h>
#include <tarmac/core/internal/cache_manager_loads.h>
