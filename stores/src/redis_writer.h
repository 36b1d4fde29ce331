// How batches get into Redis: as a guarded transaction or as a script, whichever costs less.
#pragma once

#include <tarmac/core/backing_store.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "redis_guarded_batch.h"
#include "redis_servers.h"

namespace tarmac::internal {

/// A script compares stamps in one round trip, and always comes through; a transaction costs the
/// server half as much for each write, two round trips, and is in vain if anybody else writes a
/// batch meanwhile. So small batches are scripts, and so is one that was in vain, and for a while
/// all, if that happens again.
/// As long as the keys of batches turn out to be new, which needs no comparison, it is tried first
/// to write them as that, in one round trip. If they are new but for some with values of others,
/// the next batches are only glanced at before: it would be in vain for most, and to look and
/// compare under WATCH would make batches wait for each other.
/// Of a cluster all are: for each slot one, while a slot is being moved one for each key.
///
/// Thread-safety: write() from any thread.
class RedisWriter {
 public:
  /// Both must outlive the writer.
  RedisWriter(RedisServers& servers, const RedisStoreOptions& options)
      : servers_(servers), options_(options) {}

  /// As BackingStore::write().
  void write(std::span<const StoreWrite> batch, SteadyNanos deadline);

 private:
  /// The writes of a batch that one script makes.
  struct Part {
    std::uint16_t slot = 0;
    /// In the batch.
    std::vector<std::size_t> places = {};
    /// The server has forgotten the script, or never had it.
    bool by_text = false;
  };
  struct Refusals;
  /// The one transaction of this store that may be under way: two would be in each other's way.
  class Turn;

  [[nodiscard]] bool may_guard(std::span<const StoreWrite> batch,
                               std::span<const std::size_t> places);
  /// False if nothing was written and it takes a script.
  [[nodiscard]] bool write_guarded(std::span<const StoreWrite> batch,
                                   std::span<const std::size_t> places, Refusals& refusals,
                                   SteadyNanos deadline);
  /// The same for keys that have been new of late. True if that is all.
  [[nodiscard]] bool write_as_new(const GuardedBatch& guarded, std::span<const StoreWrite> batch,
                                  std::span<const std::size_t> places, Refusals& refusals,
                                  SteadyNanos deadline);
  /// The keys at `foreign`, of the batch, have values of others. If all others were new, what is
  /// left of the batch is to be known again.
  void refuse_foreign(std::span<const StoreWrite> batch, std::span<const std::size_t> places,
                      const GuardedBatch::Result& result, Refusals& refusals);
  /// Whether it is what was left of a batch; but once.
  [[nodiscard]] bool take_rest(std::span<const StoreWrite> batch,
                               std::span<const std::size_t> places);
  /// By the slots of their keys; all in one if they are all in one place.
  [[nodiscard]] std::vector<Part> parts_of(std::span<const StoreWrite> batch,
                                           std::vector<std::size_t> places) const;
  /// Returns what is to be tried once more in another way.
  [[nodiscard]] std::vector<Part> write_parts(std::span<const StoreWrite> batch,
                                              std::span<const Part> parts, Refusals& refusals,
                                              SteadyNanos deadline);
  /// While a slot is on its way to another node, no command may have several of its keys. False if
  /// `part` has but one.
  static bool add_by_key(std::vector<Part>& parts, const Part& part);
  [[nodiscard]] RedisCommand command_of(std::span<const StoreWrite> batch, const Part& part,
                                        SteadyNanos deadline);
  /// What the server keeps the script under. The same on every server, so one has to tell it only
  /// once.
  [[nodiscard]] std::string digest_of_script(std::uint16_t slot, SteadyNanos deadline);

  RedisServers& servers_;
  const RedisStoreOptions& options_;
  /// Not one that a test moves: the kernel waits in real time.
  Clock& clock_ = *system_clock();
  /// So many batches more are not tried as a transaction; more each time that one is in vain.
  std::atomic<std::uint32_t> scripts_left_{0};
  std::atomic<std::uint32_t> contests_in_a_row_{0};
  /// Whether to try first to write keys as new.
  std::atomic<bool> as_new_{true};
  /// So many batches that are as new are still to be glanced at before.
  std::atomic<std::uint32_t> glances_left_{0};
  /// The last look found some.
  std::atomic<bool> has_foreign_keys_{false};
  std::mutex mutex_;
  std::condition_variable turn_ended_;
  // Guarded by mutex_.
  bool has_turn_ = false;
  std::string digest_;
  /// By what each is known again; what is left of the next batch comes into the place of the
  /// oldest. If one is not known, or is taken for another, it takes a round trip more.
  std::array<std::uint64_t, 4> rests_{};
  std::size_t next_rest_ = 0;
};

}  // namespace tarmac::internal
