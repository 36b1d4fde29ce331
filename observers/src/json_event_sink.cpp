#include <tarmac/core/clock.h>
#include <tarmac/core/error.h>
#include <tarmac/observers/json_event_sink.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <fstream>
#include <mutex>
#include <ostream>
#include <string>
#include <thread>
#include <utility>

#include "json_line.h"

namespace tarmac {
namespace {

using internal::EventRecord;

/// Between the slots and the writer. Lives as long as a slot may still run.
class EventLineQueue {
 public:
  explicit EventLineQueue(std::size_t most) : most_(most) {}

  void push(EventRecord record) {
    const std::lock_guard lock(mutex_);
    if (closed_ || records_.size() >= most_) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    records_.push_back(std::move(record));
    ++accepted_;
    work_.notify_one();
  }

  /// Waits for records; empty when the queue is closed and used up.
  std::deque<EventRecord> take_all() {
    std::unique_lock lock(mutex_);
    work_.wait(lock, [this] { return closed_ || !records_.empty(); });
    return std::exchange(records_, {});
  }

  /// The writer is through with that many.
  void settle(std::size_t count) {
    const std::lock_guard lock(mutex_);
    settled_ += count;
    drained_.notify_all();
  }

  void drain() {
    std::unique_lock lock(mutex_);
    drained_.wait(lock, [this, goal = accepted_] { return settled_ >= goal; });
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    work_.notify_one();
  }

  [[nodiscard]] std::uint64_t dropped() const noexcept {
    return dropped_.load(std::memory_order_relaxed);
  }

 private:
  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable drained_;
  // Guarded by mutex_.
  std::deque<EventRecord> records_;
  std::uint64_t accepted_ = 0;
  std::uint64_t settled_ = 0;
  bool closed_ = false;

  std::atomic<std::uint64_t> dropped_{0};
};

JsonEventSinkOptions checked(JsonEventSinkOptions options) {
  if (options.queue_max == 0) throw ConfigError("JSON event sink: queue_max must be at least 1");
  if (options.types.empty()) {
    for (const auto type : all_event_types()) {
      if (type != EventType::entry_get_hit && type != EventType::entry_get_miss) {
        options.types.push_back(type);
      }
    }
  }
  // A type named twice is meant once.
  std::ranges::sort(options.types);
  options.types.erase(std::unique(options.types.begin(), options.types.end()), options.types.end());
  return options;
}

std::unique_ptr<std::ostream> open_file(const std::filesystem::path& file) {
  auto out = std::make_unique<std::ofstream>(file, std::ios::app | std::ios::binary);
  if (!*out) {
    throw ConfigError("JSON event sink: cannot append to \"" + file.string() +
                      "\"; does its folder exist, and may this program write there?");
  }
  return out;
}

}  // namespace

class JsonEventSink::Impl {
 public:
  Impl(std::ostream& out, JsonEventSinkOptions options)
      : out_(out),
        options_(checked(std::move(options))),
        queue_(std::make_shared<EventLineQueue>(options_.queue_max)),
        writer_([this] { run(); }) {}

  Impl(std::unique_ptr<std::ostream> file, JsonEventSinkOptions options)
      : file_(std::move(file)),
        out_(*file_),
        options_(checked(std::move(options))),
        queue_(std::make_shared<EventLineQueue>(options_.queue_max)),
        writer_([this] { run(); }) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      connections_.clear();
    }
    queue_->close();
    writer_.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void watch(CacheBase& cache) {
    std::vector<EventConnection> connections;
    for (const auto type : options_.types) {
      connections.push_back(
          cache.events().connect(type, [queue = queue_, keys = options_.keys](const Event& event) {
            queue->push(EventRecord(event, keys));
          }));
    }
    const std::lock_guard lock(mutex_);
    // What belonged to caches that are gone is of no use any more.
    std::erase_if(connections_, [](const auto& one) { return !one.connected(); });
    std::ranges::move(connections, std::back_inserter(connections_));
    std::erase_if(probes_, [](const auto& one) { return one.expired(); });
    probes_.push_back(cache.probe());
  }

  [[nodiscard]] EventLineQueue& queue() noexcept { return *queue_; }
  [[nodiscard]] std::uint64_t written() const noexcept {
    return written_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t failed() const noexcept {
    return failed_.load(std::memory_order_relaxed);
  }

 private:
  void run() {
    for (auto records = queue_->take_all(); !records.empty(); records = queue_->take_all()) {
      const auto good = write(records);
      written_.fetch_add(good, std::memory_order_relaxed);
      failed_.fetch_add(records.size() - good, std::memory_order_relaxed);
      const bool failing = good != records.size();
      if (failing && !was_failing_) tell_failure(records.size() - good);
      was_failing_ = failing;
      queue_->settle(records.size());
    }
  }

  /// How many lines the stream has taken. One flush for all: a line is not worth a system call.
  std::size_t write(const std::deque<EventRecord>& records) noexcept {
    std::size_t good = 0;
    for (const auto& record : records) {
      if (guarded([&] { out_ << internal::to_json_line(record) << '\n'; })) ++good;
    }
    if (!guarded([this] { out_.flush(); })) good = 0;
    return good;
  }

  /// Whether the stream is well after `act`. Makes it usable again if not: a full disk may get
  /// room.
  template <class Act>
  bool guarded(Act act) noexcept {
    try {
      act();
      if (out_) return true;
      out_.clear();
    } catch (...) {
      // A stream may be set to throw, and clear() then throws again while nothing is behind it.
      out_.exceptions(std::ios::goodbit);
      out_.clear();
    }
    return false;
  }

  void tell_failure(std::size_t lines) noexcept {
    std::vector<std::weak_ptr<CacheProbe>> probes;
    {
      const std::lock_guard lock(mutex_);
      probes = probes_;
    }
    const auto detail = "JSON event sink: the stream did not take " + std::to_string(lines) +
                        " lines; is the disk full?";
    for (const auto& one : probes) {
      const auto probe = one.lock();
      if (!probe) continue;
      probe->with_cache([&](CacheBase& cache) {
        Event event;
        event.type = EventType::observer_error;
        event.cache = cache.name();
        event.at = system_clock()->steady_now();
        event.wall_time = system_clock()->wall_now();
        event.detail = detail;
        cache.events().emit(event);
      });
    }
  }

  const std::unique_ptr<std::ostream> file_;
  std::ostream& out_;
  const JsonEventSinkOptions options_;
  /// The other owners are the slots.
  const std::shared_ptr<EventLineQueue> queue_;
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> failed_{0};
  /// The writer's own.
  bool was_failing_ = false;

  std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<EventConnection> connections_;
  std::vector<std::weak_ptr<CacheProbe>> probes_;

  /// Last: it starts when all the rest is there.
  std::thread writer_;
};

JsonEventSink::JsonEventSink(std::ostream& out, JsonEventSinkOptions options)
    : impl_(std::make_unique<Impl>(out, std::move(options))) {}
JsonEventSink::JsonEventSink(const std::filesystem::path& file, JsonEventSinkOptions options)
    : impl_(std::make_unique<Impl>(open_file(file), std::move(options))) {}
JsonEventSink::~JsonEventSink() = default;

void JsonEventSink::watch(CacheBase& cache) { impl_->watch(cache); }
void JsonEventSink::drain() { impl_->queue().drain(); }
std::uint64_t JsonEventSink::written() const noexcept { return impl_->written(); }
std::uint64_t JsonEventSink::dropped() const noexcept { return impl_->queue().dropped(); }
std::uint64_t JsonEventSink::failed() const noexcept { return impl_->failed(); }

}  // namespace tarmac
