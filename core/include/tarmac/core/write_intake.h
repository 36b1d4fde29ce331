// The way by which a cache leaves writes to a policy without calling it for each.
#pragma once

#include <tarmac/core/backing_store.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

namespace tarmac {

/// The room that a policy has for writes it will owe, and its door for those that a cache has set
/// aside. A cache that gets a place may keep a write in its own form, where it lies anyway, until
/// somebody asks for it with WritePolicyHost::hand_over(); it is as good as queued meanwhile.
///
/// - Thread-safety: all members may be called from any thread. call() and take() must not be called
///   under a cache's lock.
class WriteIntake {
 public:
  /// For at most `places` writes, queued ones included.
  explicit WriteIntake(std::uint64_t places) noexcept : places_(places) {}
  WriteIntake(const WriteIntake&) = delete;
  WriteIntake& operator=(const WriteIntake&) = delete;
  virtual ~WriteIntake() = default;

  /// Takes a place for one write; false if there is none.
  [[nodiscard]] bool reserve() noexcept {
    // Never one too many, not even for a moment: somebody else could be refused for it.
    auto taken = taken_.load(std::memory_order_relaxed);
    do {
      if (taken >= places_) return false;
    } while (!taken_.compare_exchange_weak(taken, taken + 1));
    return true;
  }
  /// To be followed by call() if it was for a write: somebody may wait for the place.
  void give_back(std::uint64_t places) noexcept { taken_.fetch_sub(places); }

  /// Whether call() is wanted: there is enough to do. To be asked after each reserve().
  [[nodiscard]] bool wants_call() const noexcept { return taken_.load() >= called_at_.load(); }
  /// To be called if that is wanted, and with `since`, the time, when a write was set aside where
  /// none was waiting. The write stands by then: what cannot be done has to be tried again later.
  virtual void call(const std::optional<SteadyNanos>& since) noexcept = 0;
  /// Queues `writes` and gives back their places. Those of a key come in stamp order; the oldest of
  /// them was set aside at `since`. If it throws std::bad_alloc, it will be given the same again.
  virtual void take(std::span<StoreWrite> writes, SteadyNanos since) = 0;

 protected:
  [[nodiscard]] std::uint64_t taken() const noexcept { return taken_.load(); }
  void take_unasked(std::uint64_t places) noexcept { taken_.fetch_add(places); }
  /// With so many places taken call() is wanted. What is taken by now has to be looked at after
  /// this: who took it may not have seen it.
  void call_at(std::uint64_t taken) noexcept { called_at_.store(taken); }

 private:
  const std::uint64_t places_;
  alignas(64) std::atomic<std::uint64_t> taken_{0};
  std::atomic<std::uint64_t> called_at_{0};
};

}  // namespace tarmac
