// What write-back owes the store: one slot for each key, and the order in which they are due.
#pragma once

#include <tarmac/core/backing_store.h>
#include <tarmac/core/hash.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tarmac::internal {

/// Keeps the newest write of each key, and hands out one batch at a time.
///
/// A slot is in one of three places: *fresh* (never failed, in the order of arrival), *retrying*
/// (failed before, by the time of its next attempt), or in the batch that is in flight. A newer
/// write of a key in flight waits in the slot until the batch is settled.
///
/// Thread-safety: not synchronised, except that the batch in flight may be read by its writer.
class WriteBackQueue {
 public:
  using Reasons = std::vector<std::shared_ptr<const std::string>>;
  struct Settings {
    std::int64_t loss_window = 0;
    std::size_t batch_max = 1;
    std::int64_t retry_initial = 1;
    std::int64_t retry_max = 1;
    std::uint64_t seed = 0;
  };

  explicit WriteBackQueue(const Settings& settings) : settings_(settings), random_(settings.seed) {}
  WriteBackQueue(const WriteBackQueue&) = delete;
  WriteBackQueue& operator=(const WriteBackQueue&) = delete;

  /// Adds a write, or replaces the one that waits for the same key unless that is newer.
  void put(StoreWrite write, SteadyNanos now);
  [[nodiscard]] bool contains(std::string_view key) const { return find(key) != slots_.end(); }
  [[nodiscard]] std::optional<StoreWrite> pending(std::string_view key) const;
  /// Keys, those in flight included.
  [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }
  [[nodiscard]] std::size_t fresh() const noexcept { return fresh_.size(); }
  [[nodiscard]] bool in_flight() const noexcept { return !batch_.empty(); }
  [[nodiscard]] bool is_lone() const noexcept { return batch_.size() == 1; }
  /// When the first waiting slot is due; kNever if none waits.
  [[nodiscard]] SteadyNanos next_due() const noexcept;
  /// The number of the last put() that made a slot wait. Rises.
  [[nodiscard]] std::uint64_t last_ticket() const noexcept { return last_ticket_; }
  /// Keys with a write as old as `ticket` that the store lacks. O(n).
  [[nodiscard]] std::size_t owed_since(std::uint64_t ticket) const noexcept;

  /// Puts into flight a batch of what is due by `now`, filled up with what is not yet. With
  /// `early`, fresh writes are taken before their time. Empty if nothing is to be taken.
  std::span<const StoreWrite> take_due(SteadyNanos now, bool early);
  /// The same for flush number `round`: whatever waited by `ticket` and has not failed alone in it.
  std::span<const StoreWrite> take_for_round(std::uint64_t round, std::uint64_t ticket);
  /// Since when the oldest write waits that the store lacks; kNever if none does.
  [[nodiscard]] SteadyNanos oldest_since() const noexcept;
  /// How often the one write in flight has failed alone while the store took others, if it fails
  /// now; 0 for a larger batch. `successes` is a number that grows with each write taken.
  [[nodiscard]] std::uint32_t lone_failures(std::uint64_t successes) const;
  /// Whether the batch in flight has failed before.
  [[nodiscard]] bool batch_is_retry() const noexcept { return batch_is_retry_; }

  /// The store has the batch in flight, or it is given up. Of no more than `count` of it at a time,
  /// so that writers need not wait for all; true when it is done.
  bool settle_some(std::size_t count);
  void settle_done() { settle_some(batch_.size()); }
  /// What the last batch was, for its owner to destroy where nobody waits.
  [[nodiscard]] std::vector<StoreWrite> take_spent() noexcept { return std::move(spent_); }
  struct Failure {
    SteadyNanos now = 0;
    /// As in take_for_round(), or 0.
    std::uint64_t round = 0;
    /// As in lone_failures().
    std::uint64_t successes = 0;
    /// Without a pause: in smaller parts it may be taken.
    bool split_at_once = false;
    /// Each write is known to be bad by itself.
    bool each_alone = false;
    /// It is not to be tried again, so there is no pause to double.
    bool is_condemned = false;
  };
  /// It has not.
  void settle_failed(const Failure& failure);

  /// Takes the writes out of the batch in flight whose keys are in `keys`, which the store has
  /// named as bad. With a `reason` they are condemned: later to be taken together, and for good, so
  /// that the others need not wait for that. Without, each is tried again by itself after a pause.
  std::vector<StoreWrite> part_flying(std::span<const std::string> keys,
                                      const std::shared_ptr<const std::string>& reason,
                                      const Failure& failure);
  /// What is still in flight.
  [[nodiscard]] std::span<const StoreWrite> flying() const noexcept { return batch_; }
  /// Why each of the batch in flight is condemned; empty if it is not.
  [[nodiscard]] const Reasons& condemned() const noexcept { return batch_condemned_; }

  /// A random part of the pause after `failures` failures.
  [[nodiscard]] std::int64_t pause_after(std::uint32_t failures);

  /// The newest write of every key.
  [[nodiscard]] std::vector<StoreWrite> copy() const;
  /// Requires: nothing in flight.
  void replace_all(std::vector<StoreWrite> writes, SteadyNanos now);

 private:
  struct Slot {
    /// Waits. Empty while the newest write of the key is in flight.
    std::optional<StoreWrite> waiting;
    /// Into batch_; null while none is in flight.
    const StoreWrite* flying = nullptr;
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
  /// With its hash, which the table asks for again and again.
  template <class Bytes>
  struct Hashed {
    Bytes bytes;
    std::uint64_t hash;
  };
  struct KnownHash {
    using is_transparent = void;
    template <class Bytes>
    std::size_t operator()(const Hashed<Bytes>& key) const noexcept {
      return key.hash;
    }
  };
  struct SameKey {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const Hashed<A>& a, const Hashed<B>& b) const noexcept {
      return a.hash == b.hash && std::string_view(a.bytes) == std::string_view(b.bytes);
    }
  };
  /// By due time, then by ticket, which is unique.
  using RetryOrder = std::map<std::pair<SteadyNanos, std::uint64_t>, Slot*>;

  using Slots = std::unordered_map<Hashed<std::string>, Slot, KnownHash, SameKey>;
  using Fresh = std::map<std::uint64_t, Slot*>;

  [[nodiscard]] Hashed<std::string_view> hashed(std::string_view key) const noexcept {
    return {key, hash_bytes(key, hash_seed_)};
  }
  [[nodiscard]] Slots::const_iterator find(std::string_view key) const {
    return slots_.find(hashed(key));
  }
  [[nodiscard]] Slots::iterator find(std::string_view key) { return slots_.find(hashed(key)); }
  [[nodiscard]] Slot& slot_of(const std::string& key);
  void drop_slot(Slots::iterator slot);
  void add_fresh(Slot& slot);
  [[nodiscard]] std::size_t spares_max() const noexcept { return 4 * settings_.batch_max; }
  void wait_fresh(Slot& slot, SteadyNanos now);
  void fly(const std::vector<Slot*>& slots, bool retry);
  std::span<const StoreWrite> take_fresh(std::uint64_t ticket);
  template <class Wanted>
  std::span<const StoreWrite> take_retrying(Wanted wanted);

  const Settings settings_;
  std::mt19937_64 random_;
  const std::uint64_t hash_seed_ = random_seed();
  /// Nodes never move, so slots are pointed at.
  Slots slots_;
  /// By ticket. Due times ascend with it, because the loss window is constant.
  Fresh fresh_;
  /// Nodes of both for the next writes.
  std::vector<Slots::node_type> spare_slots_;
  std::vector<Fresh::node_type> spare_fresh_;
  RetryOrder retrying_;
  /// Since when they wait, of all that have failed, by ticket: the oldest is the first.
  std::map<std::uint64_t, SteadyNanos> failed_since_;
  std::vector<StoreWrite> batch_;
  /// So many of it are settled.
  std::size_t settled_ = 0;
  std::vector<StoreWrite> spent_;
  SteadyNanos batch_since_ = kNever;
  bool batch_is_retry_ = false;
  Reasons batch_condemned_;
  std::uint64_t last_ticket_ = 0;
};

}  // namespace tarmac::internal
