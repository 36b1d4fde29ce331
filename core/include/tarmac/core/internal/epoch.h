// Epoch-based reclamation: what a reader without a lock may still look at is not destroyed. The one
// place that knows the scheme; docs/decisions/0009 compares it with its alternatives.
#pragma once

#include <atomic>
#include <cstdint>

#if defined(__SANITIZE_THREAD__)
#define TARMAC_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TARMAC_THREAD_SANITIZER 1
#endif
#endif

namespace tarmac::internal {

/// What the library keeps of a thread. Never freed: a thread that ends leaves its slot to the next.
struct alignas(64) ThreadSlot {
  /// The epoch in which this thread began to read; 0 while it does not.
  std::atomic<std::uint64_t> pinned{0};
  /// Small and dense; no two living threads share one.
  std::uint32_t index = 0;
  std::atomic<bool> in_use{false};
  ThreadSlot* next = nullptr;
};

void return_slot(void* used) noexcept;
inline constinit thread_local ThreadSlot* current_thread_slot = nullptr;
/// The first use of a thread; throws std::bad_alloc.
ThreadSlot& acquire_thread_slot();
[[nodiscard]] inline ThreadSlot& this_thread_slot() {
  if (current_thread_slot != nullptr) [[likely]] {
    return *current_thread_slot;
  }
  return acquire_thread_slot();
}

/// The clock of reclamation: what was unlinked in epoch e may be destroyed from epoch e + 3 on;
/// what is known to be unlinked for all processors, two epochs after it is known.
///
/// Readers announce themselves with plain stores; whoever moves the epoch pays for the order, with
/// the system call membarrier() where the kernel has it.
/// Source: K. Fraser, "Practical lock-freedom", 2004, section 5.2.3.
/// Thread-safety: all members may be called from any thread.
class Epoch {
 public:
  /// From which epoch on that may be destroyed which was unlinked just before.
  ///
  /// The unlinking may still be on its way to other processors, so that who begins to read in the
  /// next epoch finds what has been unlinked in this one. Not in the next but one: before the epoch
  /// moves there, the call of membarrier() has every processor finish what it had begun.
  [[nodiscard]] static std::uint64_t end_of_unlinking() noexcept {
    if (fences_.load(std::memory_order_relaxed)) {
      barrier();
    } else {
      std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    return now_.load(std::memory_order_acquire) + 3;
  }
  /// The same, one epoch earlier, and not for nothing: waits until the unlinking has arrived.
  [[nodiscard]] static std::uint64_t end_of_known_unlinking() noexcept {
    barrier();
    return now_.load(std::memory_order_acquire) + 2;
  }
  [[nodiscard]] static std::uint64_t current() noexcept {
    return now_.load(std::memory_order_acquire);
  }
  /// Moves on by one if every reader has seen the current epoch. Never waits.
  static bool try_advance() noexcept;
  /// True if no other thread can be reading, so that what was unlinked before this call can be
  /// destroyed at once.
  [[nodiscard]] static bool alone() noexcept {
    if (fences_.load(std::memory_order_relaxed)) {
      barrier();
    } else {
      std::atomic_signal_fence(std::memory_order_seq_cst);  // The other side has membarrier().
    }
    const auto users = users_.load(std::memory_order_acquire);
    if (users == 0) return true;
    // This thread may itself be in the middle of looking at a value.
    return users == 1 && current_thread_slot != nullptr &&
           current_thread_slot->pinned.load(std::memory_order_relaxed) == 0;
  }

 private:
  friend class EpochPin;
  friend ThreadSlot& acquire_thread_slot();
  friend void return_slot(void* used) noexcept;

#ifdef TARMAC_THREAD_SANITIZER  // It knows no fences: the same order by read-modify-writes.
  static void barrier() noexcept { fence_word_.fetch_add(1, std::memory_order_seq_cst); }
  inline static constinit std::atomic<std::uint64_t> fence_word_{0};
#else
  static void barrier() noexcept { std::atomic_thread_fence(std::memory_order_seq_cst); }
#endif

  /// barrier() for all threads of the process.
  /// False if the kernel refuses.
  static bool heavy_barrier() noexcept;

  inline static constinit std::atomic<std::uint64_t> now_{2};
  /// Whether readers have to order their announcement themselves, for want of membarrier().
  inline static constinit std::atomic<bool> fences_{true};
  /// Threads that have a slot.
  inline static constinit std::atomic<std::uint32_t> users_{0};
};

/// While it lives, nothing is destroyed that this thread has found or will find. Cheap, may be
/// nested; a long one makes memory wait, and nobody else.
class EpochPin {
 public:
  [[gnu::always_inline]] explicit EpochPin(ThreadSlot& slot) noexcept
      : slot_(slot), outermost_(is_unpinned(slot)) {
    if (outermost_) begin(slot);
  }
  [[gnu::always_inline]] ~EpochPin() {
    if (outermost_) end(slot_);
  }
  EpochPin(const EpochPin&) = delete;
  EpochPin& operator=(const EpochPin&) = delete;

  // For a look-up that ends in another function than it began in. -------------------------------

  /// Whether begin() may be called.
  [[nodiscard, gnu::always_inline]] static bool is_unpinned(const ThreadSlot& slot) noexcept {
    return slot.pinned.load(std::memory_order_relaxed) == 0;
  }
  [[gnu::always_inline]] static void begin(ThreadSlot& slot) noexcept {
    // Acquired: nothing that was unlinked before this epoch began may be found.
    const auto epoch = Epoch::now_.load(std::memory_order_acquire);
    slot.pinned.store(epoch, std::memory_order_release);
    if (Epoch::fences_.load(std::memory_order_relaxed)) [[unlikely]] {
      Epoch::barrier();
    } else {
      std::atomic_signal_fence(std::memory_order_seq_cst);
    }
  }
  [[gnu::always_inline]] static void end(ThreadSlot& slot) noexcept {
    slot.pinned.store(0, std::memory_order_release);
  }

 private:
  ThreadSlot& slot_;
  const bool outermost_;
};

}  // namespace tarmac::internal
