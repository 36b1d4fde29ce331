// The tests every write policy must pass, the built-in ones and yours, and the host they use.
#pragma once

#include <tarmac/core/write_policy.h>
#include <tarmac/testing/backing_store_contract.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac::testing {

/// Stands for the cache, and remembers what the policy tells it.
/// Thread-safety: every member may be called from any thread.
class RecordingHost final : public WritePolicyHost {
 public:
  explicit RecordingHost(std::shared_ptr<Clock> clock = system_clock())
      : clock_(std::move(clock)) {}

  [[nodiscard]] std::string_view cache_name() const noexcept override { return "contract"; }
  [[nodiscard]] const std::shared_ptr<Clock>& clock() const noexcept override { return clock_; }
  void on_flush_state(const StoreWrite& write, EntryState state) noexcept override;
  void on_flushed(std::uint64_t writes, std::int64_t nanoseconds) noexcept override;
  void on_store_error(std::string_view message) noexcept override;
  void on_dead_letter(std::string_view message) noexcept override;

  /// What was said of that version, oldest first.
  [[nodiscard]] std::vector<EntryState> states(const std::string& key, std::uint64_t stamp) const;
  /// Writes in all batches that reached the store.
  [[nodiscard]] std::uint64_t flushed() const;
  [[nodiscard]] std::vector<std::string> errors() const;
  [[nodiscard]] std::vector<std::string> dead_letters() const;
  /// Each waits until there are `count`.
  void await_flushed(std::uint64_t count);
  void await_errors(std::size_t count);
  /// Called at the end of each on_flushed() and on_store_error(), as a user's slot is.
  void set_slot(std::function<void()> slot);

 private:
  void run_slot() const;

  const std::shared_ptr<Clock> clock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::map<std::pair<std::string, std::uint64_t>, std::vector<EntryState>> states_;
  std::uint64_t flushed_ = 0;
  std::vector<std::string> errors_;
  std::vector<std::string> dead_letters_;
  std::function<void()> slot_;
};

/// Makes a new policy over the store, for each test.
using WritePolicyFactory =
    std::function<std::unique_ptr<WritePolicy>(std::shared_ptr<BackingStore> store)>;

/// Registers the suite `WritePolicyContract/<name>` with GoogleTest, for a policy that writes; the
/// stores it writes to come from `make_store`. Call it before RUN_ALL_TESTS(), for example at
/// namespace scope. Returns true.
///
/// What the suite holds a policy to: what on_write() calls clean is in the store, and what it calls
/// dirty is pending(); a complete flush() leaves nothing pending, and the last write of each key in
/// the store, removals too; a store that fails makes on_write() throw or flush() report, loses
/// nothing, and never ends up with an older value; the destructor writes what is owed; an image
/// holds what was owed; counters never fall; threads lose nothing.
bool register_write_policy_contract(std::string_view name, const WritePolicyFactory& make,
                                    const StoreFactory& make_store);

}  // namespace tarmac::testing
