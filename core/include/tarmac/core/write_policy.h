// When a write reaches the backing store: the contract of write policies.
#pragma once

#include <tarmac/core/backing_store.h>
#include <tarmac/core/entry_state.h>
#include <tarmac/core/stats.h>
#include <tarmac/core/write_intake.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace tarmac {

/// What a flush has done. `complete()` says whether the store now has everything.
struct FlushReport {
  std::uint64_t flushed = 0;
  std::uint64_t still_dirty = 0;
  /// The last failure's message; empty if there was none.
  std::string error;
  std::chrono::nanoseconds elapsed{0};

  [[nodiscard]] bool complete() const noexcept { return still_dirty == 0; }
};

struct WritePolicyStats {
  std::uint64_t dirty_pending = 0;
  std::uint64_t flushed = 0;
  std::uint64_t store_errors = 0;
  std::uint64_t retries = 0;
  /// Writes given up and put into the dead-letter file.
  std::uint64_t dead_letters = 0;
  /// How long set() has waited for room, all threads together.
  std::int64_t backpressure_nanoseconds = 0;
  /// How long the oldest write that is owed has waited; 0 if none is.
  std::int64_t oldest_dirty_nanoseconds = 0;
};

/// What a policy may ask of the cache that it serves, from any thread and with no lock held that
/// on_write() takes.
class WritePolicyHost {
 public:
  WritePolicyHost() = default;
  WritePolicyHost(const WritePolicyHost&) = delete;
  WritePolicyHost& operator=(const WritePolicyHost&) = delete;
  virtual ~WritePolicyHost() = default;

  [[nodiscard]] virtual std::string_view cache_name() const noexcept = 0;
  [[nodiscard]] virtual const std::shared_ptr<Clock>& clock() const noexcept = 0;
  /// Moves the entry of `write`, if that very version is still resident, to `state`.
  virtual void on_flush_state(const StoreWrite& write, EntryState state) noexcept = 0;
  /// The same for each of `writes`.
  virtual void on_flush_states(std::span<const StoreWrite> writes, EntryState state) noexcept {
    for (const auto& write : writes) on_flush_state(write, state);
  }
  /// Gives what was set aside to WriteIntake::take() of its policy, until it has given `most`.
  /// Returns since when the oldest waits that is left; kNever if none is. May throw what take()
  /// throws. With no lock held that take() wants.
  virtual SteadyNanos hand_over(std::size_t most) {
    static_cast<void>(most);
    return kNever;
  }
  /// A batch went to the store. Emits `flushed` and records the duration.
  virtual void on_flushed(std::uint64_t writes, std::int64_t nanoseconds) noexcept = 0;
  /// A batch did not. Emits `store_error`.
  virtual void on_store_error(std::string_view message) noexcept = 0;
  /// A write was given up, and is kept elsewhere. Emits `write_dead_lettered`.
  virtual void on_dead_letter(std::string_view message) noexcept = 0;
};

/// Decides when writes go to the store. One instance serves one cache.
///
/// - Thread-safety: on_write(), flush(), stats() and pending() may be called from any thread.
///   For one key, on_write() is called in stamp order and never twice at once.
/// - Ownership: shares the store with the user.
class WritePolicy {
 public:
  WritePolicy() = default;
  WritePolicy(const WritePolicy&) = delete;
  WritePolicy& operator=(const WritePolicy&) = delete;
  /// Stops background work. What could not be written by then has been reported to the host.
  virtual ~WritePolicy() = default;

  /// The name in YAML and in the `write_policy` metric label.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  /// Null only for a policy that never writes.
  [[nodiscard]] virtual std::shared_ptr<BackingStore> store() const = 0;

  /// Called once, before the first on_write(); `host` outlives the policy.
  virtual void attach(WritePolicyHost& host) = 0;
  /// A write is about to become visible in the cache. Returns the state its entry gets: clean if
  /// the store has it, dirty if the policy owes it. Throws StoreError; the cache then stays as it
  /// was. Takes the write over.
  [[nodiscard]] virtual EntryState on_write(StoreWrite write) = 0;
  /// For caches that set writes aside instead of calling on_write() for each; null if that must be
  /// called. Lives as long as the policy, which has to ask for all of them with
  /// WritePolicyHost::hand_over() at the beginning of flush(), image() and put_back(), and in its
  /// destructor: the cache relies on it that they are in the policy then. Not asked of a policy
  /// whose keeps_written_values() is false.
  [[nodiscard]] virtual WriteIntake* intake() noexcept { return nullptr; }
  /// Whether a value that was written is cached; if not, an older one of its key is dropped.
  [[nodiscard]] virtual bool keeps_written_values() const noexcept { return true; }
  /// What the policy owes the store for `key`: the newest write not yet known to be stored, but for
  /// what is still set aside.
  [[nodiscard]] virtual std::optional<StoreWrite> pending(std::string_view key) const = 0;
  /// Writes what is owed, for at most `limit`. Does not throw for a store that fails: it reports.
  virtual FlushReport flush(std::chrono::nanoseconds limit) = 0;
  [[nodiscard]] virtual WritePolicyStats stats() const noexcept = 0;

  /// The store's content and what is still owed, at one moment; null if the store cannot tell.
  /// Called while no on_write() runs.
  [[nodiscard]] virtual std::shared_ptr<const StoreImage> image() { return nullptr; }
  /// Makes that the content again. Throws StoreError and changes nothing if the store refuses.
  /// Called while no on_write() runs.
  virtual void put_back(const StoreImage& image) { static_cast<void>(image); }
};

using WritePolicyRegistry = PartRegistry<WritePolicy, std::shared_ptr<BackingStore>>;

/// The process-wide table of write policies. Including <tarmac/policies/catalog.h> fills it.
[[nodiscard]] WritePolicyRegistry& write_policy_registry();

}  // namespace tarmac
