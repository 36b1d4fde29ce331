// A load that an executor has been given.
#pragma once

#include <tarmac/core/error.h>
#include <tarmac/core/internal/engine.h>
#include <tarmac/core/load_options.h>

#include <exception>
#include <memory>
#include <utility>

namespace tarmac::internal {

/// One call that waits for a load in another thread. `Load(Key)` gives a
/// std::optional<WriteIntent<V>>. Whatever becomes of it, `done` is called exactly once: also when
/// the executor throws, or drops the task.
/// Thread-safety: in one thread after the other.
template <class EngineType, class K, class V, class Load>
class PendingLoad : public std::enable_shared_from_this<PendingLoad<EngineType, K, V, Load>> {
 public:
  using Then = typename LoadFlight<K, V>::Then;

  PendingLoad(EngineType& engine, K key, Load load, const LoadOptions& options, Then done)
      : engine_(engine),
        key_(std::move(key)),
        load_(std::move(load)),
        options_(options),
        done_(std::move(done)) {}
  PendingLoad(const PendingLoad&) = delete;
  PendingLoad& operator=(const PendingLoad&) = delete;
  ~PendingLoad() {
    if (!done_) return;
    finish({}, std::make_exception_ptr(
                   UsageError("cache \"" + engine_.options().name +
                              "\": the executor has dropped a load instead of running it")));
  }

  /// Without the executor, as long as somebody else loads the key.
  void start(bool may_be_nothing) noexcept {
    may_be_nothing_ = may_be_nothing;
    attempt(false);
  }

 private:
  /// What is thrown on the way is the result.
  void attempt(bool may_lead) noexcept {
    try {
      auto loads = engine_.loads();
      const LoadRules rules{options_, may_be_nothing_};
      const auto boarding = loads.board(key_, rules, may_lead);
      if (boarding.decided()) {
        finish(loads.known(key_, boarding, options_), nullptr);
      } else if (boarding.leads) {
        finish(loads.lead(
                   boarding, [this] { return load_(key_); }, options_),
               nullptr);
      } else if (boarding.flight) {
        loads.count(Counter::coalesced_loads);
        boarding.flight->when_done(
            [self = this->shared_from_this()](const auto& content, const auto& error) {
              self->take_over(content, error);
            });
      } else {
        options_.executor([self = this->shared_from_this()] { self->attempt(true); });
      }
    } catch (...) {
      fail(std::current_exception());
    }
  }
  /// Another loader's result. One that found nothing does not satisfy a loader that always finds.
  void take_over(const Content<V>& content, const std::exception_ptr& error) noexcept {
    if (error) {
      fail(error);
    } else if (content || may_be_nothing_) {
      finish(content, nullptr);
    } else {
      attempt(false);
    }
  }
  void fail(const std::exception_ptr& error) noexcept {
    if (!done_) return;  // It was `done` that threw.
    auto stand_in = engine_.loads().stale(key_, options_);
    finish(stand_in, stand_in ? nullptr : error);
  }
  void finish(const Content<V>& content, const std::exception_ptr& error) {
    const auto done = std::exchange(done_, nullptr);
    if (done) done(content, error);
  }

  EngineType& engine_;
  const K key_;
  Load load_;
  const LoadOptions options_;
  Then done_;
  bool may_be_nothing_ = false;
};

/// The refresh of an entry, in the hands of an executor; if it is dropped, another may come.
template <class EngineType, class K, class Load>
class PendingRefresh {
 public:
  PendingRefresh(EngineType& engine, K key, Load load, const LoadOptions& options,
                 std::uint64_t stamp)
      : engine_(engine),
        key_(std::move(key)),
        load_(std::move(load)),
        options_(options),
        stamp_(stamp) {}
  PendingRefresh(const PendingRefresh&) = delete;
  PendingRefresh& operator=(const PendingRefresh&) = delete;
  ~PendingRefresh() {
    if (!ran_) engine_.loads().cancel_refresh(key_, stamp_);
  }

  void run() {
    ran_ = true;
    static_cast<void>(engine_.loads().refresh(
        key_, stamp_, [this] { return load_(key_); }, options_));
  }

 private:
  EngineType& engine_;
  const K key_;
  Load load_;
  const LoadOptions options_;
  const std::uint64_t stamp_;
  bool ran_ = false;
};

}  // namespace tarmac::internal
