#include <tarmac/core/internal/epoch.h>

#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <new>

namespace tarmac::internal {
namespace {

/// All slots, newest first; only ever grows.
std::atomic<ThreadSlot*> all_slots{nullptr};
std::atomic<std::uint32_t> slot_count{0};

long membarrier(int command) noexcept { return syscall(SYS_membarrier, command, 0, 0); }

bool register_membarrier() noexcept {
#ifdef TARMAC_THREAD_SANITIZER
  return false;  // The sanitizer would not see the order that it gives.
#else
  return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
#endif
}

bool has_membarrier() noexcept {
  static const bool registered = register_membarrier();
  return registered;
}

ThreadSlot* lowest_free_slot() {
  ThreadSlot* lowest = nullptr;
  for (auto* slot = all_slots.load(std::memory_order_acquire); slot != nullptr; slot = slot->next) {
    if (slot->in_use.load(std::memory_order_relaxed)) continue;
    if (lowest == nullptr || slot->index < lowest->index) lowest = slot;
  }
  return lowest;
}

// The lowest that is free: only so many have rings for hits, and a process that once had many
// threads would go on without.
ThreadSlot& take_slot() {
  while (auto* slot = lowest_free_slot()) {
    bool free = false;
    if (slot->in_use.compare_exchange_strong(free, true, std::memory_order_acq_rel)) return *slot;
  }
  auto* made = new ThreadSlot;
  made->in_use.store(true, std::memory_order_relaxed);
  made->index = slot_count.fetch_add(1, std::memory_order_relaxed);
  made->next = all_slots.load(std::memory_order_relaxed);
  while (!all_slots.compare_exchange_weak(made->next, made, std::memory_order_acq_rel)) {
  }
  return *made;
}

}  // namespace

/// Gives the slot of a thread that ends to the next one. Called after the destructors of
/// thread_local objects, which may still read caches.
void return_slot(void* used) noexcept {
  auto& slot = *static_cast<ThreadSlot*>(used);
  current_thread_slot = nullptr;
  Epoch::users_.fetch_sub(1, std::memory_order_seq_cst);
  slot.in_use.store(false, std::memory_order_release);
}

pthread_key_t make_key() {
  pthread_key_t key{};
  if (pthread_key_create(&key, return_slot) != 0) throw std::bad_alloc();
  return key;
}

ThreadSlot& acquire_thread_slot() {
  static const pthread_key_t at_thread_end = make_key();
  if (has_membarrier()) Epoch::fences_.store(false, std::memory_order_relaxed);
  ThreadSlot& slot = take_slot();
  pthread_setspecific(at_thread_end, &slot);
  current_thread_slot = &slot;
  // Before this thread reads anything, whoever takes himself to be alone has to know, or what he
  // has unlinked by then must be seen here.
  Epoch::users_.fetch_add(1, std::memory_order_seq_cst);
  if (!Epoch::heavy_barrier()) Epoch::users_.fetch_add(1);  // Never alone again.
  return slot;
}

bool Epoch::heavy_barrier() noexcept {
  if (has_membarrier()) return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0;
  barrier();
  return true;
}

bool Epoch::try_advance() noexcept {
  // Read before the barrier: what was unlinked two epochs before this one, or is known of the one
  // before, had arrived when the barrier began, so that no reader who is not seen below can find
  // it. What was unlinked in the one before arrives with this barrier: a reader whose own part of
  // the barrier comes earlier may still find it, and go on unseen until the next.
  auto epoch = now_.load(std::memory_order_acquire);
  if (!heavy_barrier()) return false;  // Forbidden since: then nothing is destroyed any more.
  for (auto* slot = all_slots.load(std::memory_order_acquire); slot != nullptr; slot = slot->next) {
    const auto pinned = slot->pinned.load(std::memory_order_acquire);
    if (pinned != 0 && pinned != epoch) return false;
  }
  return now_.compare_exchange_strong(epoch, epoch + 1, std::memory_order_acq_rel);
}

}  // namespace tarmac::internal
