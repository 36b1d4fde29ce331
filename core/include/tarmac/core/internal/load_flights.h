// Loads under way: who loads a key, who waits for it, and whether the cache may still have it.
#pragma once

#include <tarmac/core/internal/key_locks.h>
#include <tarmac/core/internal/value_cell.h>

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

namespace tarmac::internal {

/// One call of a loader for one key, and those who wait for its result. Made by the thread that
/// leads it, which must call publish() or fail() once.
/// Thread-safety: all members may be called from any thread.
template <class K, class V>
class LoadFlight {
 public:
  LoadFlight(K k, std::uint64_t key_hash) : key(std::move(k)), hash(key_hash) {}
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

  const K key;
  const std::uint64_t hash;

 private:
  void finish(Content<V> content, std::exception_ptr error) noexcept {
    const std::lock_guard lock(mutex_);
    content_ = std::move(content);
    error_ = std::move(error);
    done_ = true;
    // Now, not when they wake: until then nobody must think that they wait for this thread.
    if (waited_for_) WaitGraph::end_waits_for(this);
    changed_.notify_all();
  }

  const std::thread::id leader_ = std::this_thread::get_id();
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  bool waited_for_ = false;
  Content<V> content_;
  std::exception_ptr error_;
};

/// The flights of one shard whose result the cache may have: at most one for a key. One that was
/// superseded goes on for those who wait, but nobody joins it any more, and it cannot land; which
/// flight it is decides, so that a later one of the same key is not taken for it.
/// Thread-safety: guarded by the shard's mutex. Nobody's value is destroyed here: whoever leads a
/// flight holds it until its end.
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
    if (flights_.empty()) [[likely]]
      return;
    const auto found = position(key, hash);
    if (found != flights_.end()) flights_.erase(found);
  }
  void supersede_all() noexcept { flights_.clear(); }

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
