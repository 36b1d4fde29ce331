// Lets many writers through, or one change of the whole: a lock whose closing does not starve.
#pragma once

#include <tarmac/core/error.h>

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
  class Closure {
   public:
    explicit Closure(Gate& gate) : gate_(gate) { gate_.close(); }
    ~Closure() { gate_.open(); }
    Closure(const Closure&) = delete;
    Closure& operator=(const Closure&) = delete;

   private:
    Gate& gate_;
  };

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
    std::unique_lock lock(mutex_);
    if (closed_ && PolicyThread::is_this_thread()) {
      throw UsageError(
          "a slot on flushed or store_error wrote to the cache while its write policy, a snapshot "
          "or a restore has stopped the writers: write later, from another thread");
    }
    changed_.wait(lock, [this] { return !closed_; });
    ++inside_;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    if (--inside_ == 0 && closed_) changed_.notify_all();
  }
  void close() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !closed_; });
    closed_ = true;
    changed_.wait(lock, [this] { return inside_ == 0; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    closed_ = false;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t inside_ = 0;
  bool closed_ = false;
};

}  // namespace tarmac::internal
