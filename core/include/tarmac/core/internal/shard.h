// One shard: a table, a strategy and a timing wheel over the same entries, under one lock. What
// reads do without the lock is in shard_hits.h.
#pragma once

#include <tarmac/core/internal/access_log.h>
#include <tarmac/core/internal/entry.h>
#include <tarmac/core/internal/entry_spares.h>
#include <tarmac/core/internal/event_queue.h>
#include <tarmac/core/internal/key_locks.h>
#include <tarmac/core/internal/load_flights.h>
#include <tarmac/core/internal/look_up.h>
#include <tarmac/core/internal/node_table.h>
#include <tarmac/core/internal/set_aside.h>
#include <tarmac/core/internal/shard_parts.h>
#include <tarmac/core/internal/spin_then_wait.h>
#include <tarmac/core/internal/table_glimpse.h>
#include <tarmac/core/internal/timing_wheel.h>
#include <tarmac/core/lookup.h>
#include <tarmac/core/lowered_marks.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace tarmac::internal {

/// Guarded by `mutex`, but for what reads do (find, is_live, record_hit: with the epoch pinned) and
/// for `events`, which has a lock of its own. Each change keeps this true: the table, the strategy
/// and (for entries that expire) the wheel hold the same entries, and `weight` is the sum of
/// theirs.
template <class K, class V, class Equal>
class Shard {
 public:
  using EntryType = Entry<K, V>;
  using EffectsType = Effects<K, V>;
  using Table = NodeTable<kIsPaired<K, V>>;

  Shard(const ShardServices& services, std::uint64_t first_stamp)
      : services_(services),
        last_stamp(first_stamp),
        wheel(std::make_unique<TimingWheel>(services.clock.steady_now())) {}

  // Without the lock, with the epoch pinned. ---------------------------------------------------

  [[nodiscard]] EntryType* find(lookup_key_t<K> key, std::uint64_t hash) const {
    return static_cast<EntryType*>(table.find(hash, [&key](const EntryNode& node) {
      return Equal{}(static_cast<const EntryType&>(node).key, key);
    }));
  }
  using LookUp = internal::LookUp<K, V>;
  [[nodiscard, gnu::always_inline]] LookUp look_up(lookup_key_t<K> key, std::uint64_t hash) const;
  /// Whether a reader may see `entry`. Asks for the time only if it has a deadline.
  [[nodiscard]] bool is_live(const EntryType& entry) const noexcept;
  /// Tells the strategy, now or later, of a hit that this thread has had.
  void record_hit(const LookUp& found, const ThreadSlot& thread, AccessLog& hits) {
    if (!record_at_once(found, thread, hits)) note_hit(*found.entry, thread, hits);
  }
  /// The same if it takes no more than a note; else false, and note_hit() is to be called.
  [[nodiscard, gnu::always_inline]] bool record_at_once(const LookUp& found,
                                                        const ThreadSlot& thread,
                                                        AccessLog& hits) const {
    const auto below = noted_below_mark_.load(std::memory_order_relaxed);
    if (below == kNoteNone) return true;
    if (below == kNoteAll) return false;
    // Another hit would not change a mark that is at its highest.
    if (below != kNoteInOrder && (found.settled || found.entry->mark >= below)) return true;
    AccessRing* ring = hits.made_ring_of(thread);
    return ring != nullptr && ring->push(*found.entry);
  }
  void note_hit(EntryType& entry, const ThreadSlot& thread, AccessLog& hits);
  /// Whether record_hit() may have anything to do.
  [[nodiscard]] bool wants(const GlimpsedPair& hit) const noexcept {
    return noted_below_mark_.load(std::memory_order_relaxed) != kNoteNone && !hit.is_settled();
  }
  /// Where to record what will be found: to be asked before find(), so that an entry of a content
  /// that a restore has replaced is not taken for one of the new.
  [[nodiscard]] AccessLog& hit_log() const noexcept {
    return *log_.load(std::memory_order_acquire);
  }

  // Under the lock. ----------------------------------------------------------------------------

  [[nodiscard]] EntryType* find_by_stamp(std::uint64_t hash, std::uint64_t stamp) const {
    return static_cast<EntryType*>(table.find(hash, [stamp](const EntryNode& node) {
      return static_cast<const EntryType&>(node).stamp == stamp;
    }));
  }
  /// Its deadline, with what readers have seen since expires_at was last brought up to date.
  [[nodiscard]] SteadyNanos expiry_of(const EntryType& entry) const noexcept;
  /// Also takes note of when readers last saw it.
  [[nodiscard]] bool is_expired(EntryType& entry, SteadyNanos now);
  /// The present, if anything here could depend on it; else 0.
  [[nodiscard]] SteadyNanos time_if_needed() const noexcept {
    return wheel->empty() ? 0 : services_.clock.steady_now();
  }
  /// A hit, told to the strategy at once.
  void hit(EntryType& entry, SteadyNanos now);
  /// Brings the strategy up to date with the hits, before it hears of anything else: with all of
  /// this thread. Others' may come a few writes late where entries or threads are many, because
  /// looking at another's ring takes its line away from it.
  void drain();
  /// All of them.
  void drain_all() {
    if (log_.load(std::memory_order_relaxed)->may_hold_hits()) drain_hits(true);
  }
  /// Puts `made` in the place of the strategy, which is left in the argument.
  void set_strategy(std::unique_ptr<EvictionStrategy>& made) noexcept;

  /// Sees to it that `spares` have memory for one, if any has come free.
  void find_spare();

  /// Links a new entry, after making room for it. Takes over the reference. Throws std::bad_alloc
  /// before that; or, for want of an event, after. So does update().
  void insert(Ref<EntryType> fresh, SteadyNanos deadline, SteadyNanos now);
  /// Gives `entry` another version and state, then evicts if it has become too heavy.
  void update(EntryType& entry, const Version<V>& next, EntryState state, SteadyNanos now);
  /// Unlinks `entry`, counts and tells it.
  void remove(EntryType& entry, RemovalCause cause, SteadyNanos now);
  /// Removes one entry that is due; false if there is none.
  bool remove_due(SteadyNanos now);
  /// What has expired leaves before anything that lives. False if the shard is empty.
  bool evict_one(SteadyNanos now);
  /// The end of every change, before the lock is released: settles the budget, and takes what no
  /// reader can see any more (all of it, or a little at a time).
  void finish(EffectsType& effects, bool all = false);

  /// Makes the copy that a snapshot waits for, before the first change after it was ordered.
  void copy_if_due() {
    if (due_copy.load(std::memory_order_relaxed) != nullptr) make_copy();
  }
  /// Puts other parts in the place of these, which are left in the arguments.
  void exchange(Table& other, std::unique_ptr<AccessLog>& hits);

  /// Tells observers of `type`, if there are any.
  void announce(EventType type, EntryType& entry, SteadyNanos now,
                std::optional<RemovalCause> cause = std::nullopt) {
    if (services_.events.has_slots(type)) queue_event(type, entry, now, cause);
  }
  /// `absent` is no entry of the cache: it only carries the key.
  void announce_miss(Ref<EntryType> absent, SteadyNanos now);

 private:
  [[nodiscard, gnu::always_inline]] FoundPair find_pair(lookup_key_t<K> key,
                                                        std::uint64_t hash) const;
  [[gnu::noinline]] LookUp look_up_asking(FoundPair found, lookup_key_t<K> key,
                                          std::uint64_t hash) const;
  void unlink(EntryType& entry, RemovalCause cause, SteadyNanos now);
  void set_deadline(EntryType& entry, SteadyNanos deadline, SteadyNanos now) noexcept;
  bool move_deadline(EntryType& entry);
  [[nodiscard]] auto hit_applier() {
    const bool in_order = noted_below_mark_.load(std::memory_order_relaxed) == kNoteInOrder;
    return [this, in_order](EntryNode& node, std::uint32_t hits) {
      auto& entry = static_cast<EntryType&>(node);
      in_order ? apply_in_order(entry, hits) : apply_hits(entry, hits);
    };
  }
  void drain_hits(bool all);
  void drain_own_hits();
  [[nodiscard]] bool moves_nodes() const noexcept {
    return tracking_.load(std::memory_order_relaxed) == AccessTracking::ordered;
  }
  void apply_hits(EntryType& entry, std::uint32_t hits);
  void apply_in_order(EntryType& entry, std::uint32_t hits);
  void count_hits(EntryType& entry, std::uint32_t hits) noexcept;
  static void unsettle(void* shard, const EntryNode& node) noexcept {
    static_cast<Shard*>(shard)->table.set_settled(node, false);
  }
  std::uint32_t next_tick() noexcept { return ++tick; }
  void foresee_eviction() const noexcept;
  void evict_overflow(SteadyNanos now);
  void give_up_insertion(EntryType& entry) noexcept;
  void evict_overflow_but(EntryType& spared, SteadyNanos now);
  void make_copy();
  void take_remains(EffectsType& effects, bool all);
  void queue_event(EventType type, EntryType& entry, SteadyNanos now,
                   std::optional<RemovalCause> cause);
  QueuedEvent make_event(EventType type, SteadyNanos now) const;
  static void pin_key(QueuedEvent& queued, Ref<EntryType> entry) noexcept;
  void announce_removal(EntryType& entry, RemovalCause cause, SteadyNanos now);
  void note_departure(const EntryType& entry, RemovalCause cause, SteadyNanos now);

  // Read by every hit, written by few operations: lines of their own. (The table sees to its own.)
  alignas(64) ShardServices services_;
  std::atomic<AccessLog*> log_{new AccessLog};
  std::atomic<AccessTracking> tracking_{AccessTracking::ordered};
  /// Hits of an entry whose mark has come so far need not be noted.
  static constexpr std::uint8_t kNoteNone = 0;
  static constexpr std::uint8_t kNoteAll = 0xFF;
  /// All, and nothing is to be done but that: the strategy wants each in order.
  static constexpr std::uint8_t kNoteInOrder = 0xFE;
  std::atomic<std::uint8_t> noted_below_mark_{kNoteAll};

 public:
  /// What a snapshot waits for; null while none does.
  std::atomic<ShardCopy<K, V>*> due_copy{nullptr};
  Table table;
  alignas(64) std::mutex mutex;
  /// A change of the whole has the lock for long: hits are rather lost than kept waiting.
  std::atomic<bool> busy{false};
  std::unique_ptr<EvictionStrategy> strategy;
  /// Whether the table knows the marks that are at their highest.
  bool settles = false;
  std::uint8_t highest_mark = EntryNode::kMaxMark;
  /// Of the last write; they only grow.
  std::uint64_t last_stamp;
  std::atomic<std::uint64_t> stamps_renewed{0};  ///< By restores, beside locks of keys.
  /// Counts hits and writes: the entries' sense of time.
  std::uint32_t tick = 0;
  std::uint32_t drains_ = 0;  ///< To know whose turn it is.
  std::uint64_t weight = 0;
  /// Counts clear() and restore: whoever read a value before must not write what follows from it.
  std::uint64_t epoch = 0;
  BudgetChange change_;
  /// Out of the strategy's hands while room is made beside it.
  EntryType* withdrawn_ = nullptr;
  /// How many entries are to be expected at most; sizes the table.
  std::uint64_t expected_entries = ~std::uint64_t{0};
  std::unique_ptr<TimingWheel> wheel;
  KeyLocks<held_key_t<K, Equal>, Equal> key_locks;
  LoadFlights<K, V, Equal> flights;
  std::mutex handing;  ///< To hand over what is set aside. Before `mutex`.
  SetAside aside;
  Limbo<K, V> limbo;
  EntryArena::Handle arena =
      EntryArena::open(kEntriesLieInSlabs ? sizeof(EntryType) : 0, alignof(EntryType));
  /// Only where the table keeps copies of keys and values: those are words.
  EntrySpares<EntryType> spares;
  EventQueue events;

  ~Shard() { delete log_.load(std::memory_order_relaxed); }
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
};

}  // namespace tarmac::internal

#include <tarmac/core/internal/shard_events.h>
#include <tarmac/core/internal/shard_hits.h>
#include <tarmac/core/internal/shard_removals.h>
#include <tarmac/core/internal/shard_writes.h>
