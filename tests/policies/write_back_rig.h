// A write-back policy over a store that fails on demand, moved by a clock that stands still.
#pragma once

#include <gmock/gmock.h>
#include <tarmac/core/error.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/testing/faulty_store.h>
#include <tarmac/testing/manual_clock.h>
#include <tarmac/testing/write_policy_contract.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tarmac {

class WriteBackTest : public ::testing::Test {
 protected:
  static constexpr std::chrono::minutes kLong{1};

  void make(const WriteBackOptions& options = {}) {
    policy_ = write_back(store_, options);
    policy_->attach(host_);
  }
  EntryState set(std::string key, std::string value = "v") {
    return write(std::move(key), std::move(value));
  }
  EntryState remove(std::string key) { return write(std::move(key), std::nullopt); }
  [[nodiscard]] std::string stored(std::string_view key) const {
    const auto found = store_->load(key, clock_->wall_now());
    return found ? found->bytes : "(none)";
  }
  /// Until the policy's thread has nothing to do before the clock moves.
  void await_idle() { clock_->await_waiters(1); }

  // Shared with the policy, whose thread may outlive it.
  std::shared_ptr<testing::ManualClock> clock_ = std::make_shared<testing::ManualClock>();
  std::shared_ptr<testing::FaultyStore> store_ =
      std::make_shared<testing::FaultyStore>(make_memory_store());
  testing::RecordingHost host_{clock_};
  std::unique_ptr<WritePolicy> policy_;

 private:
  EntryState write(std::string key, std::optional<std::string> value) {
    return policy_->on_write({.key = std::move(key),
                              .value = std::move(value),
                              .stamp = ++stamp_,
                              .expires_at = std::nullopt,
                              .hash = 0});
  }

  std::uint64_t stamp_ = 0;
};

}  // namespace tarmac
