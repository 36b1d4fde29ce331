// The policy that writes to the store later, in batches, from a thread of its own.
#pragma once

#include <tarmac/core/write_policy.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

namespace tarmac {

/// Settings of write_back(). In YAML each has the name that it has here.
struct WriteBackOptions {
  /// The most work a crash may lose while the store answers: a write is handed to the store this
  /// long after set() at the latest.
  std::chrono::nanoseconds loss_window_max = std::chrono::milliseconds(100);
  /// Keys in one call of the store. As many waiting keys start a batch before its time.
  std::uint64_t batch_max = 256;
  /// Keys that may wait for the store, those being written included.
  std::uint64_t dirty_max = 100'000;
  /// How long a set() of one more key waits for room before it throws StoreError.
  std::chrono::nanoseconds block_max = std::chrono::seconds(1);
  /// How long the destructor gives the last attempt.
  std::chrono::nanoseconds shutdown_limit = std::chrono::seconds(5);
  /// The pause before a failed write is tried again doubles from this one to that one; a random
  /// half of it is left out, so that caches which failed together do not come back together.
  std::chrono::nanoseconds retry_initial = std::chrono::milliseconds(10);
  std::chrono::nanoseconds retry_max = std::chrono::seconds(5);
  /// If set, a write that the store refuses for good (PermanentStoreError), or that has failed by
  /// itself for attempts_max times while the store took others, is put into this file and no longer
  /// owed; so is what the destructor cannot write. See <tarmac/policies/dead_letters.h>.
  std::filesystem::path dead_letters = {};
  std::uint64_t attempts_max = 10;
  /// Seed of those random halves; nullopt takes a random one.
  std::optional<std::uint64_t> seed = std::nullopt;

  /// Throws ConfigError for the first setting that cannot work.
  void validate() const;
};

/// Makes the policy named `write_back`: a write waits in a queue, and reaches `store` after
/// loss_window_max, with batch_max others, or by flush(), whichever comes first.
///
/// - Choose it for: frequent writes of the same keys, and stores that like batches.
/// - Avoid it for: values that must survive a crash the moment set() returns.
/// - Order: only the newest write of a key waits, and while one is being written a newer one waits
///   for that, so neither a retry nor a batch overtakes a newer write of its key. A removal is a
///   write too. Two full batches, of different keys, are written at once if more waits (64 writes
///   at least): each is gathered and settled while the store has the other. Slots are called by
///   one of them at a time.
/// - Failures: a batch that fails is told to the host and tried again in parts, down to single
///   keys, so that one bad key holds up nobody else. Nothing is given up while the policy lives,
///   unless there is a file for dead letters. Of a write given up, the cache keeps the value until
///   its entry leaves.
///   After 24 failures in a row the store is taken to be down: one attempt for each pause.
/// - Intake: a cache sets writes aside instead of waiting for the queue; see WriteIntake.
/// - Back-pressure: with dirty_max keys waiting, a write of a further key waits for block_max. A
///   write of a key that already waits replaces the older one at once.
/// - flush() gives every waiting write at least one attempt, on its own if need be, unless the
///   store is down or the limit is reached. Called by a slot of an event that one of the policy's
///   own threads emits, it only reports; a write by such a slot does not wait for room, and a
///   put_back() by it throws StoreError at once while a batch is under way.
/// - Ownership: the first thread starts with the first write, two others when they are needed. If
///   the store has not returned by shutdown_limit, the destructor leaves them behind; they then
///   touch the store alone.
/// - Exceptions: ConfigError for a null `store` or options that cannot work. What the threads have
///   no memory for they try again after retry_initial.
[[nodiscard]] std::unique_ptr<WritePolicy> write_back(std::shared_ptr<BackingStore> store,
                                                      const WriteBackOptions& options = {});

}  // namespace tarmac
