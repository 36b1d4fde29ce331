// Lets many writers through, or one change of the whole: a lock whose closing does not starve.
#pragma once

#include <tarmac/core/error.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace tarmac::internal {

/// Writers that go to the backing store pass the gate; a change of the policy, a snapshot and a
/// restore close it, so that store and cache are seen at one moment. std::shared_mutex would let a
/// stream of readers keep the closer waiting for ever.
/// Thread-safety: all members may be called from any thread; a thread passes at most once.
/// Exceptions: Passage throws UsageError in a slot that a policy's own thread calls while the gate
/// is closed: the closer may wait for that thread, so waiting here could never end.
class Gate {
 public:
  class Passage {
   public:
    explicit Passage(Gate& gate) : gate_(gate) { gate_.enter(); }
    ~Passage() { gate_.leave(); }
    Passage(const Passage&) = delete;
    Passage& operator=(const Passage&) = delete;

   private:
    Gate& gate_;
  };
  /// For a writer that has a lock for which whoever has closed the gate may wait.
  class TriedPassage {
   public:
    TriedPassage() = default;
    ~TriedPassage() {
      if (gate_ != nullptr) gate_->leave();
    }
    TriedPassage(const TriedPassage&) = delete;
    TriedPassage& operator=(const TriedPassage&) = delete;

    /// Once only, unless it has failed: false if the gate is closed and nobody is inside.
    [[nodiscard]] bool enter(Gate& gate) noexcept {
      if (gate_ == nullptr && gate.try_enter()) gate_ = &gate;
      return is_inside();
    }
    [[nodiscard]] bool is_inside() const noexcept { return gate_ != nullptr; }

   private:
    Gate* gate_ = nullptr;
  };
  class Closure {
   public:
    explicit Closure(Gate& gate) : gate_(gate) { gate_.close(); }
    ~Closure() { gate_.open(); }
    Closure(const Closure&) = delete;
    Closure& operator=(const Closure&) = delete;

   private:
    Gate& gate_;
  };

  /// For writers that do not pass: whoever closes it waits for them in another way.
  [[nodiscard]] bool is_closed() const noexcept {
    return (state_.load(std::memory_order_acquire) & kClosed) != 0;
  }

  /// Marks this thread as one that whoever closes the gate may wait for.
  class PolicyThread {
   public:
    PolicyThread() noexcept { ++depth_; }
    ~PolicyThread() { --depth_; }
    PolicyThread(const PolicyThread&) = delete;
    PolicyThread& operator=(const PolicyThread&) = delete;
    [[nodiscard]] static bool is_this_thread() noexcept { return depth_ > 0; }

   private:
    inline static thread_local int depth_ = 0;
  };

 private:
  void enter() {
    // All that a writer does while nobody closes the gate.
    if (enter_if([](std::uint64_t state) { return (state & kClosed) == 0; })) return;
    std::unique_lock lock(mutex_);
    while (!enter_if([](std::uint64_t state) { return (state & kClosed) == 0; })) {
      if (PolicyThread::is_this_thread()) {
        throw UsageError(
            "a slot on flushed or store_error wrote to the cache while its write policy, a "
            "snapshot or a restore has stopped the writers: write later, from another thread");
      }
      changed_.wait(lock, [this] { return !is_closed(); });
    }
  }
  /// While somebody is inside, the closer waits anyway.
  [[nodiscard]] bool try_enter() noexcept {
    return enter_if([](std::uint64_t state) { return state != kClosed; });
  }
  /// Nobody is counted who is not inside, not even for a moment: try_enter() would follow him in
  /// while the closer is at work.
  template <class MayEnter>
  [[nodiscard]] bool enter_if(MayEnter may_enter) noexcept {
    auto state = state_.load(std::memory_order_relaxed);
    while (may_enter(state)) {
      if (state_.compare_exchange_weak(state, state + kOne, std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  void leave() {
    if (state_.fetch_sub(kOne, std::memory_order_release) != (kOne | kClosed)) return;
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }
  void close() {
    std::unique_lock lock(mutex_);
    while ((state_.fetch_or(kClosed, std::memory_order_acquire) & kClosed) != 0) {
      changed_.wait(lock);
    }
    while (state_.load(std::memory_order_acquire) != kClosed) changed_.wait(lock);
  }
  void open() {
    const std::lock_guard lock(mutex_);
    state_.fetch_and(~kClosed, std::memory_order_release);
    changed_.notify_all();
  }

  static constexpr std::uint64_t kClosed = 1;
  /// One writer inside.
  static constexpr std::uint64_t kOne = 2;

  std::atomic<std::uint64_t> state_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace tarmac::internal
