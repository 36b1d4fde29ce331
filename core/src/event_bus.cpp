// Boost.Signals2 stays in this file: it is slow to compile, and nobody else needs to know.
#include <tarmac/core/event_bus.h>

#include <boost/signals2/signal.hpp>

#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tarmac {
namespace {

/// Calls every slot even when one throws, which Signals2's own combiners do not.
struct CallAll {
  using result_type = std::uint64_t;  ///< how many threw

  template <class Iterator>
  result_type operator()(Iterator slot, Iterator end) const {
    result_type thrown = 0;
    for (; slot != end; ++slot) {
      try {
        static_cast<void>(*slot);  // Dereferencing is what calls.
      } catch (...) {
        ++thrown;  // The bus counts it and tells the observers of observer_error.
      }
    }
    return thrown;
  }
};

// A slot returns a value because a combiner of void results is a special case in Signals2.
using Signal = boost::signals2::signal<int(const Event&), CallAll>;

}  // namespace

struct EventBus::Impl {
  /// An event with its texts.
  struct Kept {
    Event event;
    std::string cache;
    std::string detail;
  };

  std::array<Signal, kEventTypeCount> signals;
  std::mutex mutex;
  std::vector<std::shared_ptr<const Kept>> kept;
};

struct EventConnection::Impl {
  boost::signals2::connection connection;
  std::shared_ptr<internal::SlotCounts> slots;
  std::size_t index = 0;
};

EventConnection::EventConnection() noexcept = default;
EventConnection::EventConnection(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
EventConnection::EventConnection(EventConnection&& other) noexcept = default;
EventConnection& EventConnection::operator=(EventConnection&& other) noexcept {
  if (this != &other) {
    disconnect();
    impl_ = std::move(other.impl_);
  }
  return *this;
}
EventConnection::~EventConnection() { disconnect(); }

void EventConnection::disconnect() noexcept {
  if (!impl_) return;
  const auto impl = std::move(impl_);
  if (!impl->connection.connected()) return;  // The bus is gone.
  impl->connection.disconnect();
  (*impl->slots)[impl->index].fetch_sub(1, std::memory_order_relaxed);
}

bool EventConnection::connected() const noexcept { return impl_ && impl_->connection.connected(); }

void EventConnection::release() noexcept { impl_.reset(); }

EventBus::EventBus() : impl_(std::make_unique<Impl>()) {}
EventBus::~EventBus() = default;

EventConnection EventBus::connect(EventType type, Slot slot) {
  const auto index = static_cast<std::size_t>(type);
  auto made = std::make_unique<EventConnection::Impl>();
  made->slots = slots_;
  made->index = index;
  std::vector<std::shared_ptr<const Impl::Kept>> kept;
  {
    const std::lock_guard lock(impl_->mutex);
    kept = impl_->kept;
  }
  Signal past;  // Calls the slot as the other signal would, whatever it throws.
  for (const auto& one : kept) {
    if (one->event.type != type) continue;
    if (past.empty()) {
      past.connect([slot](const Event& event) {
        slot(event);
        return 0;
      });
    }
    Event event = one->event;
    event.cache = one->cache;
    event.detail = one->detail;
    failures_.fetch_add(past(event), std::memory_order_relaxed);
  }
  made->connection = impl_->signals[index].connect([slot = std::move(slot)](const Event& event) {
    slot(event);
    return 0;
  });
  (*slots_)[index].fetch_add(1, std::memory_order_relaxed);
  return EventConnection(std::move(made));
}

void EventBus::keep(const Event& event) {
  auto kept = std::make_shared<Impl::Kept>(
      Impl::Kept{event, std::string(event.cache), std::string(event.detail)});
  const std::lock_guard lock(impl_->mutex);
  impl_->kept.push_back(std::move(kept));
}

void EventBus::emit(const Event& event) {
  const auto index = static_cast<std::size_t>(event.type);
  const auto thrown = impl_->signals[index](event);
  if (thrown == 0) return;
  failures_.fetch_add(thrown, std::memory_order_relaxed);
  if (event.type == EventType::observer_error) return;  // Or a bad slot would call itself for ever.
  if (!has_slots(EventType::observer_error)) return;
  Event told = event;
  told.type = EventType::observer_error;
  told.count = thrown;
  told.detail = to_string(event.type);
  emit(told);
}

std::size_t EventBus::slot_count() const noexcept {
  std::size_t total = 0;
  for (const auto& one : *slots_) total += one.load(std::memory_order_relaxed);
  return total;
}

}  // namespace tarmac
