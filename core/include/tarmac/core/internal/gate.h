// Lets many writers through, or one change of the whole: a lock whose closing does not starve.
#pragma once

#include <tarmac/core/error.h>
#include <tarmac/core/internal/epoch.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace tarmac::internal {

/// Writers that go to the backing store pass the gate; a change of the policy, a snapshot and a
/// restore close it, so that store and cache are seen at one moment. std::shared_mutex would let a
/// stream of readers keep the closer waiting for ever. Writers are counted in several places, lest
/// each have to take the count from the processor of another.
/// Thread-safety: all members may be called from any thread; a thread passes at most once.
/// Exceptions: Passage throws UsageError in a slot that a policy's own thread calls while the gate
/// is closed: the closer may wait for that thread, so waiting here could never end.
class Gate {
  struct alignas(64) Way {
    std::atomic<std::uint64_t> state{0};
  };

 public:
  class Passage {
   public:
    explicit Passage(Gate& gate) : gate_(gate), way_(gate.own_way()) { gate_.enter(way_); }
    ~Passage() { gate_.leave(way_); }
    Passage(const Passage&) = delete;
    Passage& operator=(const Passage&) = delete;

   private:
    Gate& gate_;
    Way& way_;
  };
  /// The same without waiting; false: the gate is closed.
  class OpenPassage {
   public:
    explicit OpenPassage(Gate& gate)
        : gate_(gate), way_(gate.own_way()), passes_(enter_if(way_, is_open)) {}
    ~OpenPassage() {
      if (passes_) gate_.leave(way_);
    }
    OpenPassage(const OpenPassage&) = delete;
    OpenPassage& operator=(const OpenPassage&) = delete;

    explicit operator bool() const noexcept { return passes_; }

   private:
    Gate& gate_;
    Way& way_;
    const bool passes_;
  };
  /// For a writer that has a lock for which whoever has closed the gate may wait.
  class TriedPassage {
   public:
    TriedPassage() = default;
    ~TriedPassage() {
      if (is_inside()) gate_->leave(*way_);
    }
    TriedPassage(const TriedPassage&) = delete;
    TriedPassage& operator=(const TriedPassage&) = delete;

    /// Once only, unless it has failed: false if the gate is closed and nobody is inside.
    [[nodiscard]] bool enter(Gate& gate) noexcept {
      gate_ = &gate;
      if (!is_inside()) way_ = gate.try_enter();
      return is_inside();
    }
    [[nodiscard]] bool is_inside() const noexcept { return way_ != nullptr; }

   private:
    Gate* gate_ = nullptr;
    Way* way_ = nullptr;
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
    return !is_open(ways_.front().state.load(std::memory_order_acquire));
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
  // Without a slot (nearly everybody has one by now) the first: a slot would ask for memory.
  [[nodiscard]] Way& own_way() noexcept {
    const auto* slot = current_thread_slot;
    return slot == nullptr ? ways_.front() : ways_[slot->index % ways_.size()];
  }
  static constexpr bool is_open(std::uint64_t state) noexcept { return (state & kClosed) == 0; }

  void enter(Way& way) {
    // All that a writer does while nobody closes the gate.
    if (enter_if(way, is_open)) return;
    std::unique_lock lock(mutex_);
    while (!enter_if(way, is_open)) {
      if (PolicyThread::is_this_thread()) {
        throw UsageError(
            "a slot on flushed or store_error wrote to the cache while its write policy, a "
            "snapshot or a restore has stopped the writers: write later, from another thread");
      }
      changed_.wait(lock, [this] { return !is_closed_; });
    }
  }
  /// While somebody is inside, the closer waits anyway: nullptr if nobody is.
  [[nodiscard]] Way* try_enter() noexcept {
    Way& own = own_way();
    if (enter_if(own, is_open)) return &own;
    const auto may_follow = [](std::uint64_t state) { return state != kClosed; };
    for (auto& way : ways_) {
      if (enter_if(way, may_follow)) return &way;
    }
    return nullptr;
  }
  /// Nobody is counted who is not inside, not even for a moment: try_enter() would follow him in
  /// while the closer is at work.
  template <class MayEnter>
  [[nodiscard]] static bool enter_if(Way& way, MayEnter may_enter) noexcept {
    auto state = way.state.load(std::memory_order_relaxed);
    while (may_enter(state)) {
      if (way.state.compare_exchange_weak(state, state + kOne, std::memory_order_acquire,
                                          std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  void leave(Way& way) {
    if (way.state.fetch_sub(kOne, std::memory_order_release) != (kOne | kClosed)) return;
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }
  void close() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !is_closed_; });
    is_closed_ = true;
    for (auto& way : ways_) way.state.fetch_or(kClosed, std::memory_order_acquire);
    // What is empty stays so: each way can be looked at by itself.
    const auto is_empty = [](const Way& way) {
      return way.state.load(std::memory_order_acquire) == kClosed;
    };
    changed_.wait(lock, [&] { return std::ranges::all_of(ways_, is_empty); });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    is_closed_ = false;
    for (auto& way : ways_) way.state.fetch_and(~kClosed, std::memory_order_release);
    changed_.notify_all();
  }

  static constexpr std::uint64_t kClosed = 1;
  /// One writer inside.
  static constexpr std::uint64_t kOne = 2;

  std::array<Way, 8> ways_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_closed_ = false;  ///< guarded by the lock
};

}  // namespace tarmac::internal
