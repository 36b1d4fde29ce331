// Loads under way: who loads a key, who waits for it, and whether the cache may still have it.
#pragma once

#include <tarmac/core/internal/key_locks.h>
#include <tarmac/core/internal/load_memos.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tarmac::internal {

/// One call of a loader for one key, and those who wait for its result. Made by the thread that
/// leads it, which must call publish() or fail() once.
/// Thread-safety: all members may be called from any thread.
template <class K, class V>
class LoadFlight {
 public:
  using Then = std::function<void(const Content<V>&, const std::exception_ptr&)>;

  /// `leader`: who publishes; the id of no thread if that is not known.
  LoadFlight(K k, std::uint64_t key_hash, std::thread::id leader = std::this_thread::get_id())
      : key(std::move(k)), hash(key_hash), leader_(leader) {}
  LoadFlight(const LoadFlight&) = delete;
  LoadFlight& operator=(const LoadFlight&) = delete;

  /// Without a content: the loader found nothing.
  void publish(Content<V> content) noexcept { finish(std::move(content), nullptr); }
  void fail(std::exception_ptr error) noexcept { finish({}, std::move(error)); }
  /// What the leader publishes; throws what its loader threw. Throws UsageError if the leader waits
  /// for this thread: a loader that loads its own key, or loaders that load each other's.
  [[nodiscard]] Content<V> wait() {
    std::unique_lock lock(mutex_);
    if (!done_) {
      WaitGraph::begin_wait(leader_, this);
      waited_for_ = true;
      changed_.wait(lock, [this] { return done_; });
    }
    if (error_) std::rethrow_exception(error_);
    return content_;
  }
  /// Waits no longer than `deadline`, whether it has ended by then. Throws like wait() for a
  /// circle.
  [[nodiscard]] bool wait_until(Clock& clock, SteadyNanos deadline) {
    std::unique_lock lock(mutex_);
    if (done_) return true;
    WaitGraph::begin_wait(leader_, this);
    waited_for_ = true;
    const bool ended = clock.wait_until(lock, changed_, deadline, [this] { return done_; });
    if (!ended) WaitGraph::end_wait_of_this_thread();
    return ended;
  }
  /// Calls `then` with the result when there is one: the leader's thread does, under no lock, or
  /// this one if there is one already. `then` must not throw.
  void when_done(Then then) {
    {
      const std::lock_guard lock(mutex_);
      if (!done_) {
        then_.push_back(std::move(then));
        return;
      }
    }
    then(content_, error_);
  }

  const K key;
  const std::uint64_t hash;

 private:
  void finish(Content<V> content, std::exception_ptr error) noexcept {
    std::vector<Then> told;
    {
      const std::lock_guard lock(mutex_);
      content_ = std::move(content);
      error_ = std::move(error);
      done_ = true;
      // Now, not when they wake: until then nobody must think that they wait for this thread.
      if (waited_for_) WaitGraph::end_waits_for(this);
      changed_.notify_all();
      told.swap(then_);
    }
    for (const auto& then : told) then(content_, error_);  // Neither changes any more.
  }

  const std::thread::id leader_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  bool waited_for_ = false;
  Content<V> content_;
  std::exception_ptr error_;
  std::vector<Then> then_;
};

/// Says for as long as it lives that this thread runs the loader of `flights`: one that erases its
/// own key and loads it again finds no flight to wait for, and would recurse without end.
class LoaderMark {
 public:
  /// Both must outlive it.
  LoaderMark(const void* engine, std::span<const void* const> flights) noexcept
      : engine_(engine), flights_(flights), outer_(std::exchange(innermost(), this)) {}
  ~LoaderMark() { innermost() = outer_; }
  LoaderMark(const LoaderMark&) = delete;
  LoaderMark& operator=(const LoaderMark&) = delete;

  /// Whether `is_same(flight)` holds for a flight of `engine` whose loader this thread runs.
  template <class IsSame>
  [[nodiscard]] static bool any(const void* engine, const IsSame& is_same) {
    for (const auto* mark = innermost(); mark != nullptr; mark = mark->outer_) {
      if (mark->engine_ != engine) continue;
      if (std::any_of(mark->flights_.begin(), mark->flights_.end(), is_same)) return true;
    }
    return false;
  }

 private:
  [[nodiscard]] static LoaderMark*& innermost() noexcept {
    thread_local LoaderMark* mark = nullptr;
    return mark;
  }

  const void* engine_;
  std::span<const void* const> flights_;
  LoaderMark* outer_;
};

/// The flights of one shard whose result the cache may have: at most one for a key. One that was
/// superseded goes on for those who wait, but nobody joins it any more, and it cannot land; which
/// flight it is decides, so that a later one of the same key is not taken for it.
/// Thread-safety: guarded by the shard's mutex. Nobody's value is destroyed here: whoever leads a
/// flight holds it until its end. With them, what else is remembered of the shard's keys: the same
/// writes put an end to it.
template <class K, class V, class Equal>
class LoadFlights {
 public:
  using Flight = LoadFlight<K, V>;

  /// Null if there is none.
  template <class KeyView>
  [[nodiscard]] std::shared_ptr<Flight> find(const KeyView& key, std::uint64_t hash) const {
    const auto found = position(key, hash);
    return found == flights_.end() ? nullptr : found->second;
  }
  void begin(std::shared_ptr<Flight> flight) {
    const auto hash = flight->hash;
    flights_.emplace(hash, std::move(flight));
  }
  /// Whether `flight` was not superseded: then it may land, if it does so under this lock.
  bool end(const Flight& flight) noexcept {
    auto [at, last] = flights_.equal_range(flight.hash);
    for (; at != last; ++at) {
      if (at->second.get() != &flight) continue;
      flights_.erase(at);
      return true;
    }
    return false;
  }
  /// The key was written: what was asked for before must not come after.
  template <class KeyView>
  void supersede(const KeyView& key, std::uint64_t hash) noexcept {
    if (flights_.empty() && memos.empty()) [[likely]]
      return;
    const auto found = position(key, hash);
    if (found != flights_.end()) flights_.erase(found);
    memos.drop(key, hash);
  }
  void supersede_all() noexcept {
    flights_.clear();
    memos.drop_all();
  }
  /// Whether the departure of an entry is of interest.
  [[nodiscard]] bool remembers() const noexcept {
    return !memos.empty() || memos.keeps_expired_for() > 0;
  }

  LoadMemos<K, V, Equal> memos;

 private:
  using Map = std::unordered_multimap<std::uint64_t, std::shared_ptr<Flight>>;

  template <class KeyView>
  [[nodiscard]] typename Map::const_iterator position(const KeyView& key,
                                                      std::uint64_t hash) const {
    auto [at, last] = flights_.equal_range(hash);
    while (at != last && !Equal{}(at->second->key, key)) ++at;
    return at == last ? flights_.end() : at;
  }

  Map flights_;
};

}  // namespace tarmac::internal
