// The observer side of the cache: slots on event types, over Boost.Signals2 (hidden in the source).
#pragma once

#include <tarmac/core/event.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

namespace tarmac {

namespace internal {
/// How many slots each event type has; shared with the connections, which may outlive the bus.
using SlotCounts = std::array<std::atomic<std::uint32_t>, kEventTypeCount>;
}  // namespace internal

/// Keeps a slot connected for as long as it lives. Movable; may outlive the bus.
/// Thread-safety: as for an int; disconnecting while the slot runs elsewhere is safe.
class EventConnection {
 public:
  EventConnection() noexcept;
  EventConnection(EventConnection&& other) noexcept;
  /// Disconnects what it held before.
  EventConnection& operator=(EventConnection&& other) noexcept;
  /// Disconnects. A call of the slot that is running in another thread may still be finishing.
  ~EventConnection();

  void disconnect() noexcept;
  [[nodiscard]] bool connected() const noexcept;
  /// Leaves the slot connected for the rest of the bus's life.
  void release() noexcept;

 private:
  friend class EventBus;
  struct Impl;
  explicit EventConnection(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// One signal for each event type.
///
/// - Thread-safety: all members may be called from any thread, from a slot as well.
/// - Exceptions: what a slot throws reaches neither the operation nor the other slots: it is
///   counted, and told as observer_error (what an observer_error slot throws is only counted).
/// - Cost: an event type with no slot costs one relaxed load (has_slots()).
class EventBus {
 public:
  using Slot = std::function<void(const Event&)>;

  EventBus();
  ~EventBus();
  EventBus(const EventBus&) = delete;
  EventBus& operator=(const EventBus&) = delete;

  /// Calls `slot` for each event of `type` from now on, in the order of connection.
  [[nodiscard]] EventConnection connect(EventType type, Slot slot);

  [[nodiscard]] bool has_slots(EventType type) const noexcept {
    return (*slots_)[static_cast<std::size_t>(type)].load(std::memory_order_relaxed) != 0;
  }

  /// Calls the slots of `event.type`. No lock of the caller may be held.
  void emit(const Event& event);

  /// For what happened before anybody could listen: whoever connects to `event.type` from now on
  /// hears of it while connecting.
  void keep(const Event& event);

  /// Exceptions that slots have thrown so far.
  [[nodiscard]] std::uint64_t slot_failures() const noexcept {
    return failures_.load(std::memory_order_relaxed);
  }
  /// Slots connected now, over all types.
  [[nodiscard]] std::size_t slot_count() const noexcept;

 private:
  struct Impl;
  std::shared_ptr<internal::SlotCounts> slots_ = std::make_shared<internal::SlotCounts>();
  std::atomic<std::uint64_t> failures_{0};
  std::unique_ptr<Impl> impl_;
};

}  // namespace tarmac
