// A load that an executor has been given.
#pragma once

#include <tarmac/core/error.h>
#include <tarmac/core/internal/engine.h>
#include <tarmac/core/load_options.h>

#include <exception>
#include <memory>
#include <thread>
#include <utility>

namespace tarmac::internal {

/// One call that waits for a load in another thread. Whatever becomes of it, `done` is called
/// exactly once: also when the executor throws, or drops the task.
/// Thread-safety: in one thread after the other.
template <class EngineType, class K, class V>
class PendingLoad : public std::enable_shared_from_this<PendingLoad<EngineType, K, V>> {
 public:
  using Then = typename LoadFlight<K, V>::Then;

  PendingLoad(EngineType& engine, K key, OwnedLoad<K, V> load, const LoadRules& rules, Then done)
      : engine_(engine),
        key_(std::move(key)),
        load_(std::move(load)),
        options_(rules.options),
        may_be_nothing_(rules.may_be_nothing),
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
  void start() noexcept { attempt(false); }

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
  const OwnedLoad<K, V> load_;
  const LoadOptions options_;
  const bool may_be_nothing_;
  Then done_;
};

/// The refresh of an entry, in the hands of an executor; if it is dropped, another may come.
template <class EngineType, class K, class V>
class PendingRefresh {
 public:
  PendingRefresh(EngineType& engine, K key, OwnedLoad<K, V> load, const LoadOptions& options,
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
  const OwnedLoad<K, V> load_;
  const LoadOptions options_;
  const std::uint64_t stamp_;
  bool ran_ = false;
};

/// Has the executor of `rules` load `key`; `done` gets the result.
template <class EngineType, class K, class V>
void load_elsewhere(EngineType& engine, K key, OwnedLoad<K, V> load, const LoadRules& rules,
                    typename LoadFlight<K, V>::Then done) {
  using Pending = PendingLoad<EngineType, K, V>;
  std::make_shared<Pending>(engine, std::move(key), std::move(load), rules, std::move(done))
      ->start();
}

/// The same, waiting for it as long as `rules` say.
template <class EngineType, class K, class V>
Content<V> await_elsewhere(EngineType& engine, const K& key, OwnedLoad<K, V> load,
                           const LoadRules& rules) {
  const auto outcome = std::make_shared<LoadFlight<K, V>>(key, 0, std::thread::id());
  load_elsewhere(engine, key, std::move(load), rules,
                 [outcome](const Content<V>& content, const std::exception_ptr& error) {
                   error ? outcome->fail(error) : outcome->publish(content);
                 });
  return engine.loads().await(*outcome, rules);
}

/// Has the executor of `options` load the entry of `stamp` anew. What goes wrong is counted only.
template <class EngineType, class K, class V>
void refresh_elsewhere(EngineType& engine, K key, OwnedLoad<K, V> load, const LoadOptions& options,
                       std::uint64_t stamp) {
  using Pending = PendingRefresh<EngineType, K, V>;
  const auto pending =
      std::make_shared<Pending>(engine, std::move(key), std::move(load), options, stamp);
  try {
    options.executor([pending] { pending->run(); });
  } catch (...) {
    engine.loads().count(Counter::load_failures);
  }
}

}  // namespace tarmac::internal
