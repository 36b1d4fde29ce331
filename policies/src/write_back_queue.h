// What write-back owes the store: one slot for each key, and the order in which they are due.
#pragma once

#include <tarmac/core/backing_store.h>
#include <tarmac/core/hash.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "late_writes.h"
#include "spare_nodes.h"
#include "write_back_queue_parts.h"

namespace tarmac::internal {

/// Keeps the newest write of each key, and hands out batches.
///
/// A slot is in one of three places: *fresh* (never failed, in the order of arrival), *retrying*
/// (failed before, by the time of its next attempt), or in a batch that is in flight. A newer
/// write of a key in flight waits in the slot until the batch is settled, so batches that are in
/// flight together have no key in common.
///
/// Memory: as much as the most keys that ever waited took, without their values.
/// Thread-safety: not synchronised, except that a batch in flight may be read by its writer.
class WriteBackQueue {
  struct Slot;

 public:
  using Reasons = std::vector<std::shared_ptr<const std::string>>;
  using Settings = QueueSettings;
  using Failure = QueueFailure;

  /// Writes that are in flight together; empty if none are. Must not be moved meanwhile.
  class Batch {
   public:
    Batch() = default;
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    /// What is still in flight, or was until it was settled.
    [[nodiscard]] std::span<const StoreWrite> writes() const noexcept { return writes_; }
    [[nodiscard]] bool empty() const noexcept { return writes_.empty(); }
    [[nodiscard]] bool is_lone() const noexcept { return writes_.size() == 1; }
    /// Whether it has failed before.
    [[nodiscard]] bool is_retry() const noexcept { return is_retry_; }
    /// Why each of it is condemned; empty if it is not.
    [[nodiscard]] const Reasons& condemned() const noexcept { return condemned_; }

    /// Destroys what was settled, where nobody waits for it. Requires: nothing is in flight.
    void forget() noexcept { writes_.clear(); }

   private:
    friend WriteBackQueue;
    std::vector<StoreWrite> writes_;
    /// Of the same places.
    std::vector<Slot*> slots_;
    /// So many of it are settled.
    std::size_t settled_ = 0;
    SteadyNanos since_ = kNever;
    bool is_retry_ = false;
    Reasons condemned_;
  };

  explicit WriteBackQueue(const Settings& settings) : settings_(settings), random_(settings.seed) {}
  WriteBackQueue(const WriteBackQueue&) = delete;
  WriteBackQueue& operator=(const WriteBackQueue&) = delete;

  /// Adds a write that came at `since`, or replaces the one that waits for the same key unless that
  /// is newer. If memory runs out, it is as if this had not been called.
  void put(StoreWrite&& write, SteadyNanos since) {
    put(std::move(write), hash_of(write.key), since);
  }
  /// The same for each of `writes`, in their order. If memory runs out, those before are queued.
  void put_all(std::span<StoreWrite> writes, SteadyNanos since);
  [[nodiscard]] bool contains(std::string_view key) const { return find(key) != nullptr; }
  [[nodiscard]] std::optional<StoreWrite> pending(std::string_view key) const;
  /// Keys, those in flight included.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t fresh() const noexcept { return arrived_.size() + returned_.size(); }
  /// When the first of them is due; kNever if there is none.
  [[nodiscard]] SteadyNanos fresh_due() const noexcept {
    const auto oldest = oldest_fresh();
    return oldest == kNever ? kNever : deadline_after(oldest, settings_.loss_window);
  }
  [[nodiscard]] bool in_flight() const noexcept { return !flying_.empty(); }
  /// When the first waiting slot is due; kNever if none waits.
  [[nodiscard]] SteadyNanos next_due() const noexcept;
  /// The number of the last put() that made a slot wait. Rises.
  [[nodiscard]] std::uint64_t last_ticket() const noexcept { return last_ticket_; }
  /// Keys with a write as old as `ticket` that the store lacks. O(n).
  [[nodiscard]] std::size_t owed_since(std::uint64_t ticket) const noexcept;

  // These put a batch into flight and return what it has: nothing if nothing is to be taken.
  // They require that `batch` is not in flight, and forget what it was before. If memory runs out,
  // nothing is taken; what comes later of a batch in flight needs none.

  /// Of what is due by `now`, filled up with what is not yet. With `early`, fresh writes are taken
  /// before their time.
  std::span<const StoreWrite> take_due(Batch& batch, SteadyNanos now, bool early);
  /// The same for flush number `round`: whatever waited by `ticket` and has not failed alone in it.
  std::span<const StoreWrite> take_for_round(Batch& batch, std::uint64_t round,
                                             std::uint64_t ticket);
  /// Of what is fresh, whether it is due or not.
  std::span<const StoreWrite> take_fresh(Batch& batch) { return take_fresh(batch, last_ticket_); }

  /// Since when the oldest write waits that the store lacks; kNever if none does.
  [[nodiscard]] SteadyNanos oldest_since() const noexcept;
  /// How often the one write of `batch` has failed alone while the store took others, if it fails
  /// now; 0 for a larger batch. `successes` is a number that grows with each write taken.
  [[nodiscard]] std::uint32_t lone_failures(const Batch& batch, std::uint64_t successes) const;

  /// The store has `batch`, or it is given up. Of no more than `count` of it at a time, so that
  /// writers need not wait for all; true when it is done. The batch keeps its writes.
  bool settle_some(Batch& batch, std::size_t count) noexcept;
  void settle_done(Batch& batch) noexcept { settle_some(batch, batch.writes_.size()); }
  /// It has not. The batch is empty then.
  void settle_failed(Batch& batch, const Failure& failure) noexcept {
    settle_last_failed(batch, batch.writes_.size(), failure);
  }

  /// Brings those whose keys are in `keys`, which the store has named as bad, to the end of `batch`
  /// and returns them. If memory runs out, nothing has changed.
  std::span<const StoreWrite> set_apart(Batch& batch, std::span<const std::string> keys);
  /// The store does not have the last `count`, which leave the batch; the others stay in flight.
  void settle_last_failed(Batch& batch, std::size_t count, const Failure& failure) noexcept;

  /// A random part of the pause after `failures` failures.
  [[nodiscard]] std::int64_t pause_after(std::uint32_t failures);

  /// The newest write of every key.
  [[nodiscard]] std::vector<StoreWrite> copy() const;
  /// What has `writes` in the place of all that is here; to be adopted.
  [[nodiscard]] std::unique_ptr<WriteBackQueue> with(std::vector<StoreWrite> writes,
                                                     SteadyNanos now) const;
  /// Requires: nothing in flight; `other` came from with().
  void adopt(WriteBackQueue& other) noexcept;

 private:
  struct Slot {
    /// Waits. Empty while the newest write of the key is in flight.
    std::optional<StoreWrite> waiting;
    /// Into a batch; null while none is in flight.
    const StoreWrite* flying = nullptr;
    /// Of the key, which is in either of them.
    std::uint64_t hash = 0;
    std::uint64_t ticket = 0;
    std::uint64_t flying_ticket = 0;
    SteadyNanos due = 0;
    SteadyNanos since = 0;
    SteadyNanos flying_since = 0;
    std::uint32_t failures = 0;
    /// As lone_failures() counts them, and its `successes` at the last.
    std::uint32_t lone_failures = 0;
    std::uint64_t successes_seen = 0;
    /// The largest batch it may join, so that a bad key ends up alone.
    std::size_t batch_max = 0;
    /// The last flush in which it failed alone.
    std::uint64_t failed_alone_in = 0;
    /// Why the waiting write is condemned; shared by those that were condemned together.
    std::shared_ptr<const std::string> condemned = nullptr;
  };
  /// Of the table; open addressing, so that a look at a key's place finds its hash there.
  struct Place {
    std::uint64_t hash = 0;
    Slot* slot = nullptr;
  };
  /// By due time, then by ticket, which is unique.
  using RetryOrder = std::map<std::pair<SteadyNanos, std::uint64_t>, Slot*>;
  using FreshOrder = std::map<std::uint64_t, Slot*>;
  using FailedSince = std::map<std::uint64_t, SteadyNanos>;

  [[nodiscard]] std::uint64_t hash_of(std::string_view key) const noexcept {
    return hash_bytes(key, hash_seed_);
  }
  [[nodiscard]] static const std::string& key_of(const Slot& slot) noexcept {
    return slot.waiting ? slot.waiting->key : slot.flying->key;
  }
  [[nodiscard]] Slot* find(std::string_view key) const { return find(key, hash_of(key)); }
  [[nodiscard]] Slot* find(std::string_view key, std::uint64_t hash) const;
  void make_room_for_slot();
  /// Requires: the above.
  [[nodiscard]] Slot& take_slot(std::uint64_t hash) noexcept;
  void put(StoreWrite&& write, std::uint64_t hash, SteadyNanos since);
  void put_new(StoreWrite&& write, std::uint64_t hash, SteadyNanos since);
  void put_into_table(Slot& slot) noexcept;
  void drop_slot(Slot& slot) noexcept;
  /// The first of those that are fresh; null if none is.
  [[nodiscard]] Slot* first_fresh() const noexcept;
  /// Since when the oldest of them waits; kNever if none is.
  [[nodiscard]] SteadyNanos oldest_fresh() const noexcept;
  void start_waiting(Slot& slot, SteadyNanos since);
  /// Makes sure that nothing more is needed for `count` writes in `batch`, until they are settled.
  void make_room_for_flight(Batch& batch, std::size_t count);
  /// Requires: the above.
  void fly(Batch& batch, std::vector<Slot*> slots, bool retry) noexcept;
  void land(Batch& batch) noexcept;
  void wait_for_retry(Slot& slot, StoreWrite& write, const Failure& failure) noexcept;
  std::span<const StoreWrite> take_fresh(Batch& batch, std::uint64_t ticket);
  template <class Wanted>
  std::span<const StoreWrite> take_retrying(Batch& batch, Wanted wanted);

  const Settings settings_;
  std::mt19937_64 random_;
  std::uint64_t hash_seed_ = random_seed();
  /// Slots never move, and those that are free wait here for the next keys: a queue that fills and
  /// empties would otherwise ask for memory in one thread what it gives back in another, and do
  /// both under the lock of all writers.
  std::deque<Slot> all_slots_;
  std::vector<Slot*> free_slots_;
  /// Its size is a power of two, and never less than twice size_.
  std::vector<Place> table_;
  std::size_t size_ = 0;
  /// What is fresh, by ticket, from the oldest. Due times ascend with it, because the loss window
  /// is constant; but for what came through another thread later than others who had set out after
  /// it.
  std::deque<Slot*> arrived_;
  /// What is fresh since the batch was settled that its older write was in; by ticket.
  FreshOrder returned_;
  /// Of arrived_ what is older than another before it, and all of returned_.
  LateWrites late_;
  SteadyNanos newest_arrival_ = std::numeric_limits<SteadyNanos>::min();
  RetryOrder retrying_;
  /// Since when they wait, of all that have failed, by ticket: the oldest is the first.
  FailedSince failed_since_;
  /// Few, and their owners'.
  std::vector<const Batch*> flying_;
  // For what is in flight: it comes into one of them, or not at all.
  SpareNodes<FreshOrder> fresh_nodes_;
  SpareNodes<RetryOrder> retry_nodes_;
  SpareNodes<FailedSince> failed_nodes_;
  std::uint64_t last_ticket_ = 0;
};

}  // namespace tarmac::internal
