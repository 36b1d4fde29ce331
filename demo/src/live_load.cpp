#include <tarmac/config/config.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/demo/generator.h>
#include <tarmac/demo/live_load.h>
#include <tarmac/demo/observation.h>

#include "live_chores.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

namespace tarmac::demo {
namespace {

constexpr std::uint64_t kKeysOfLoadMax = 200'000;
constexpr std::int64_t kTick = 10'000'000;  // Nanoseconds between two bursts of a thread.
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr double kWriteShare = 0.10;
constexpr double kEraseShare = 0.02;
constexpr double kShortLifeShare = 0.10;

/// What the load does with one cache.
struct Target {
  std::shared_ptr<BackingStore> store;
  PartConfig policy;
  std::unique_ptr<DemoCache> cache;
  std::shared_ptr<void> watch;
  std::uint64_t capacity = 0;
  std::string value;
};

Target make_target(const CacheConfig& config, const std::shared_ptr<Clock>& clock,
                   Observation& observation) {
  auto options = config.options;
  options.clock = clock;
  Target target;
  auto policy = make_write_policy(config);
  target.store = policy->store();
  target.policy = config.write_policy;
  target.cache = std::make_unique<DemoCache>(std::move(options));
  if (target.store) target.cache->set_write_policy(std::move(policy));
  target.watch = observation.watch(*target.cache);
  // Without a bound on entries, values that make the cache full with some thousands of them.
  const auto bytes = config.options.max_bytes.value_or(std::uint64_t{64} << 20U);
  const auto value_bytes =
      config.options.max_entries ? 64 : std::clamp<std::uint64_t>(bytes / 32'768, 64, 4'096);
  target.value.assign(static_cast<std::size_t>(value_bytes), 'v');
  target.capacity = std::clamp<std::uint64_t>(
      config.options.max_entries.value_or(bytes / (value_bytes + 16)), 1, kKeysOfLoadMax / 2);
  return target;
}

std::string key_of(std::uint64_t number) { return "key:" + std::to_string(number); }

/// Runs `work` until it has been asked to stop, and keeps what it throws.
class StopFlag {
 public:
  explicit StopFlag(std::shared_ptr<Clock> clock) : clock_(std::move(clock)) {}

  /// Waits until `deadline`; false if the work is to end.
  bool wait_until(SteadyNanos deadline) {
    std::unique_lock lock(mutex_);
    return !clock_->wait_until(lock, changed_, deadline, [this] { return stopped_; });
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  /// True for the first failure only.
  bool fail(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    const bool first = !failure_;
    if (first) failure_ = std::move(failure);
    return first;
  }
  [[nodiscard]] std::exception_ptr failure() {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

 private:
  std::shared_ptr<Clock> clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  std::exception_ptr failure_;
};

}  // namespace

class LiveLoad::Impl {
 public:
  Impl(const Config& config, Observation& observation, const LiveLoadOptions& options)
      : options_(options), stop_(options.clock) {
    for (const auto& one : config.caches) {
      targets_.push_back(make_target(one, options.clock, observation));
    }
    for (auto& target : targets_) fill(target);
    const auto start = [this](auto work) {
      threads_.emplace_back([this, work] { guarded(work); });
    };
    try {
      for (unsigned i = 0; i < options.threads; ++i) start([this, i] { work(i); });
      start([this] { do_chores(); });
    } catch (...) {
      join();
      throw;
    }
  }
  ~Impl() { join(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void stop() {
    if (threads_.empty()) return;
    join();
    if (const auto failure = stop_.failure()) std::rethrow_exception(failure);
    for (auto& target : targets_) {
      const auto report = target.cache->flush();
      if (!report.complete()) {
        throw StoreError("flush cache \"" + target.cache->name() + "\": " + report.error);
      }
    }
  }

  [[nodiscard]] std::vector<CacheFigures> figures() const {
    std::vector<CacheFigures> all;
    for (const auto& target : targets_) {
      all.push_back({target.cache->describe(), target.cache->stats()});
    }
    return all;
  }
  [[nodiscard]] std::uint64_t operations() const noexcept { return operations_.load(); }

 private:
  static void fill(Target& target) {
    for (std::uint64_t number = target.capacity; number > 0; --number) {
      target.cache->set(key_of(number), target.value);
    }
  }

  void join() {
    stop_.stop();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

  template <class Work>
  void guarded(const Work& work) {
    try {
      work();
    } catch (...) {
      // Kept for stop(), which throws it on: a thread has nobody to throw to.
      if (stop_.fail(std::current_exception())) options_.on_failure();
    }
  }

  void work(unsigned index) {
    std::vector<KeyGenerator> keys;
    for (const auto& target : targets_) {
      keys.emplace_back(GeneratorOptions{
          .keys = 2 * target.capacity, .skew = 0.9, .seed = options_.seed * 1'000 + index});
    }
    const auto each_tick = static_cast<double>(options_.operations_per_second) * kTick / kSecond /
                           static_cast<double>(options_.threads);
    double owed = 0;
    auto next = options_.clock->steady_now();
    for (std::size_t turn = 0; stop_.wait_until(next);) {
      owed += each_tick;
      const auto operations = static_cast<std::uint64_t>(owed);
      owed -= static_cast<double>(operations);
      for (std::uint64_t i = 0; i < operations; ++i, ++turn) {
        const auto at = turn % targets_.size();
        operate(targets_[at], keys[at]);
        operations_.fetch_add(1, std::memory_order_relaxed);
      }
      // After a long pause of the machine, go on from now instead of catching up in a burst.
      next = std::max(next + kTick, options_.clock->steady_now() - kSecond);
    }
  }

  static void operate(Target& target, KeyGenerator& keys) {
    const auto key = key_of(keys.next());
    const auto dice = keys.chance();
    if (dice < kEraseShare) {
      target.cache->erase(key);
      return;
    }
    const bool writes = dice < kEraseShare + kWriteShare;
    if (!writes && target.cache->visit(key, [](const std::string&) {})) return;
    SetOptions options;
    if (keys.chance() < kShortLifeShare) {
      options.ttl = std::chrono::milliseconds(500 + static_cast<int>(keys.chance() * 4'500));
    }
    target.cache->set(key, target.value, options);
  }

  void do_chores() {
    std::vector<Chores> chores;
    for (auto& target : targets_) chores.emplace_back(*target.cache, target.store, target.policy);
    auto next = options_.clock->steady_now();
    for (std::size_t turn = 0; stop_.wait_until(next); ++turn) {
      for (auto& one : chores) one.do_next();
      next = options_.clock->steady_now() + kSecond;
    }
  }

  const LiveLoadOptions options_;
  StopFlag stop_;
  std::vector<Target> targets_;
  std::vector<std::thread> threads_;
  std::atomic<std::uint64_t> operations_{0};
};

LiveLoad::LiveLoad(const Config& config, Observation& observation, const LiveLoadOptions& options)
    : impl_(std::make_unique<Impl>(config, observation, options)) {}

LiveLoad::~LiveLoad() = default;

void LiveLoad::stop() { impl_->stop(); }

std::vector<CacheFigures> LiveLoad::figures() const { return impl_->figures(); }

std::uint64_t LiveLoad::operations() const noexcept { return impl_->operations(); }

}  // namespace tarmac::demo
