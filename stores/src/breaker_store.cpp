#include <tarmac/core/error.h>
#include <tarmac/stores/breaker_store.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "millis.h"

namespace tarmac {
namespace {

using internal::kNanosInMilli;

void require(bool holds, const char* what) {
  if (!holds) throw ConfigError(std::string("the breaker of a store: ") + what);
}

class BreakerStore final : public BackingStore {
 public:
  BreakerStore(std::shared_ptr<BackingStore> store, const BreakerOptions& options)
      : store_(std::move(store)),
        failures_max_(options.failures),
        pause_first_(saturated_nanoseconds(options.pause)),
        pause_max_(saturated_nanoseconds(options.pause_max)),
        clock_(options.clock ? options.clock : system_clock()) {
    require(store_ != nullptr, "it needs a store");
    require(failures_max_ >= 1, "breaker_failures must be at least 1");
    require(pause_first_ > 0, "breaker_pause must be more than 0");
    require(pause_max_ >= pause_first_, "breaker_pause_max must be at least breaker_pause");
  }

  [[nodiscard]] std::string_view name() const noexcept override { return store_->name(); }

  [[nodiscard]] std::optional<StoredValue> load(std::string_view key, WallNanos wall_now) override {
    return pass([&] { return store_->load(key, wall_now); });
  }
  [[nodiscard]] std::vector<std::optional<StoredValue>> load_many(std::span<const std::string> keys,
                                                                  WallNanos wall_now) override {
    return pass([&] { return store_->load_many(keys, wall_now); });
  }
  void write(std::span<const StoreWrite> batch) override {
    pass([&] { store_->write(batch); });
  }
  void scan(const std::function<void(std::string_view key, const StoredValue&)>& visit) override {
    pass([&] { store_->scan(visit); });
  }
  [[nodiscard]] std::size_t size() override {
    return pass([&] { return store_->size(); });
  }
  [[nodiscard]] std::shared_ptr<const StoreImage> image() override {
    return pass([&] { return store_->image(); });
  }
  void put_back(const StoreImage& image) override {
    pass([&] { store_->put_back(image); });
  }

  [[nodiscard]] StoreHealth health() noexcept override {
    {
      const std::lock_guard lock(mutex_);
      if (is_open() && clock_->steady_now() < open_until_) return {false, last_error_};
    }
    return store_->health();
  }
  [[nodiscard]] std::optional<BreakerStats> breaker() const noexcept override {
    const std::lock_guard lock(mutex_);
    const auto state = !is_open() ? BreakerState::closed
                       : probing_ ? BreakerState::half_open
                                  : BreakerState::open;
    return BreakerStats{state, opens_};
  }

 private:
  /// Requires: mutex_ is held, here and below.
  [[nodiscard]] bool is_open() const noexcept { return failures_ >= failures_max_; }

  template <class Call>
  std::invoke_result_t<const Call&> pass(const Call& call) {
    const bool is_probe = enter();
    try {
      if constexpr (std::is_void_v<std::invoke_result_t<const Call&>>) {
        call();
        leave(is_probe, nullptr);
      } else {
        auto result = call();
        leave(is_probe, nullptr);
        return result;
      }
    } catch (const PermanentStoreError&) {
      leave(is_probe, nullptr);
      throw;
    } catch (const StoreError& error) {
      leave(is_probe, error.what());
      throw;
    } catch (...) {  // Not the store's: a visitor of scan() threw, or memory is short.
      leave(is_probe, nullptr);
      throw;
    }
  }

  /// Whether this call is the probe of an open breaker. Throws if it is not to be made.
  [[nodiscard]] bool enter() {
    const std::lock_guard lock(mutex_);
    if (!is_open()) return false;
    const auto left = open_until_ - clock_->steady_now();
    if (left <= 0 && !probing_) {
      probing_ = true;
      return true;
    }
    throw StoreError(
        "store \"" + std::string(store_->name()) + "\" is left alone after " +
        std::to_string(failures_) + " failures in a row, " +
        (probing_
             ? "and is being tried"
             : "for " + std::to_string((left + kNanosInMilli - 1) / kNanosInMilli) + "ms more") +
        "; its last words: " + last_error_);
  }

  void leave(bool was_probe, const char* error) {
    const std::lock_guard lock(mutex_);
    if (was_probe) probing_ = false;
    if (error == nullptr) {
      // A call that began before the breaker opened says nothing about now.
      if (was_probe || !is_open()) failures_ = 0;
      if (failures_ == 0) pause_ = 0;
      return;
    }
    last_error_ = error;
    const bool was_open = is_open();
    ++failures_;
    if (!is_open() || (was_open && !was_probe)) return;
    ++opens_;
    pause_ = pause_ == 0 ? pause_first_ : pause_ > pause_max_ / 2 ? pause_max_ : pause_ * 2;
    open_until_ = deadline_after(clock_->steady_now(), pause_);
  }

  /// The other owner is the user.
  const std::shared_ptr<BackingStore> store_;
  const std::uint64_t failures_max_;
  const std::int64_t pause_first_;
  const std::int64_t pause_max_;
  const std::shared_ptr<Clock> clock_;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  /// In a row.
  std::uint64_t failures_ = 0;
  std::int64_t pause_ = 0;
  SteadyNanos open_until_ = 0;
  bool probing_ = false;
  std::uint64_t opens_ = 0;
  std::string last_error_;
};

}  // namespace

std::shared_ptr<BackingStore> make_breaker_store(std::shared_ptr<BackingStore> store,
                                                 const BreakerOptions& options) {
  return std::make_shared<BreakerStore>(std::move(store), options);
}

StoreRegistry::Factory internal::with_breaker(StoreRegistry::Factory make) {
  return [make = std::move(make)](const Parameters& parameters) -> std::unique_ptr<BackingStore> {
    BreakerOptions options;
    const auto failures = parameters.get_uint("breaker_failures", 0);
    options.pause = parameters.get_duration("breaker_pause", options.pause);
    options.pause_max = parameters.get_duration("breaker_pause_max", options.pause_max);
    auto store = make(parameters);
    if (failures == 0) return store;
    options.failures = failures;
    return std::make_unique<BreakerStore>(std::move(store), options);
  };
}

}  // namespace tarmac
