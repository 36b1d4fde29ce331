// How the writers of a log that syncs each group keep out of each other's way.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace tarmac::internal {

/// Where threads wait until they are called. Unlike with a condition variable, whoever is called
/// needs no lock: what it waits for it can see, and goes on.
///
/// - Thread-safety: all members may be called from any thread.
class Bell {
 public:
  /// To be taken before one looks whether there is anything to wait for.
  [[nodiscard]] std::uint32_t rung() const noexcept {
    return rung_.load(std::memory_order_acquire);
  }
  /// Until it has been rung since `rung()` has said so.
  void wait(std::uint32_t since) const noexcept { rung_.wait(since, std::memory_order_acquire); }
  /// For what has changed by now; wake_one() or wake_all() has to follow.
  void ring() noexcept { rung_.fetch_add(1, std::memory_order_release); }
  void wake_one() noexcept { rung_.notify_one(); }
  void wake_all() noexcept { rung_.notify_all(); }

 private:
  alignas(64) std::atomic<std::uint32_t> rung_{0};
};

/// What the next group can learn from those before it.
///
/// Either all writers are in one group, and none works while the disk does; or they are in two, and
/// one half works while the other waits for the disk. The first is better as long as gathering all
/// of them takes less than a sync.
///
/// - Thread-safety: not synchronised.
class GroupPace {
 public:
  /// Whether the next group is to wait for those who were in the last one.
  [[nodiscard]] bool gathers() const noexcept { return alone_ == 0; }
  /// Whether a sync is over sooner than threads are put to sleep and woken for it.
  [[nodiscard]] bool is_quick() const noexcept { return sync_ <= kQuick; }
  /// A group was gathered for `gathering` nanoseconds, if it was, and synced in `sync`.
  void note(std::int64_t gathering, std::int64_t sync) noexcept {
    sync_ = mean(sync_, sync);
    if (alone_ > 0) {
      --alone_;
      return;
    }
    gathering_ = mean(gathering_, gathering);
    if (2 * gathering_ <= sync_) return;
    alone_ = kAlone;
    gathering_ = 0;
  }

 private:
  static constexpr std::int64_t kQuick = 100'000;
  /// So many groups later it is tried again.
  static constexpr std::uint32_t kAlone = 256;

  /// Of the last eight or so.
  static std::int64_t mean(std::int64_t before, std::int64_t now) noexcept {
    return before + (now - before) / 8;
  }

  std::int64_t gathering_ = 0;
  std::int64_t sync_ = 0;
  std::uint32_t alone_ = 0;
};

/// Whether who waits for a quick disk should look again and again, with the processor left to
/// others in between. Not where it comes back late, since others have enough to do: a thread that
/// sleeps is woken sooner than that.
///
/// - Thread-safety: not synchronised, but note_late() may be called from any thread.
class Looks {
 public:
  /// So many nanoseconds after it was left the processor is late: the writers of a group take less.
  static constexpr std::int64_t kLate = 300'000;

  /// For the next one who waits.
  [[nodiscard]] bool are_wise() noexcept {
    if (was_late_.load(std::memory_order_relaxed)) {
      was_late_.store(false, std::memory_order_relaxed);
      pause_ = std::min(2 * pause_, kPauseMost);
      left_ = pause_;
      good_ = 0;
    }
    if (left_ > 0) {
      --left_;
      return false;
    }
    if (++good_ == kPauseMost) {
      good_ = 0;
      pause_ = kPauseLeast;
    }
    return true;
  }
  void note_late() noexcept { was_late_.store(true, std::memory_order_relaxed); }

 private:
  // Waits, not looks.
  static constexpr std::uint32_t kPauseLeast = 1U << 10U;
  static constexpr std::uint32_t kPauseMost = 1U << 18U;

  std::atomic<bool> was_late_{false};
  std::uint32_t pause_ = kPauseLeast;
  std::uint32_t left_ = 0;
  std::uint32_t good_ = 0;
};

}  // namespace tarmac::internal
