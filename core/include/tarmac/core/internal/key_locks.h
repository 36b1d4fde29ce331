// Locks on single keys, held while compute() runs or while a write is on its way to the store.
#pragma once

#include <tarmac/core/entry_state.h>
#include <tarmac/core/hash.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

namespace tarmac::internal {

/// Finds out when threads that hold a key's lock wait for each other in a circle.
/// Thread-safety: all members may be called from any thread.
class WaitGraph {
 public:
  /// This thread waits for `holder` to finish `what`. Throws UsageError if `holder` waits, directly
  /// or not, for this thread.
  static void begin_wait(std::thread::id holder, const void* what);
  /// Nobody waits for `what` any more. For its holder to call, before the waiters know: one that
  /// has not woken yet would else be taken for one that still waits.
  static void end_waits_for(const void* what) noexcept;
  /// This thread has given up waiting.
  static void end_wait_of_this_thread() noexcept;
};

/// What stands for a key while it is locked. Whoever locks it has the text in hand until it is
/// unlocked, and a copy would be a call for memory with each write; an equality of the user's own
/// need not compare two views.
template <class K, class Equal>
using held_key_t =
    std::conditional_t<std::is_same_v<K, std::string> && std::is_same_v<Equal, KeyEqual>,
                       std::string_view, K>;

/// The keys of one shard that are locked. Empty nearly always, so a plain list does.
///
/// - Thread-safety: guarded by the shard's mutex, which lock() releases while it waits.
/// - Exceptions: lock() and wait_until_free() throw UsageError where waiting could never end: the
///   key's own function calls for the same key, or two keys' functions call for each other's.
template <class K, class Equal>
class KeyLocks {
 public:
  struct Hold {
    const K* key;
    std::uint64_t hash;
    std::thread::id owner;
    std::uint64_t stamp = 0;
    /// The store had the write before the cache had it: the state that its entry then gets.
    std::optional<EntryState> early_state;
  };

  /// Waits until nobody holds `key`; the caller holds `shard_lock` before and after.
  template <class KeyView>
  void wait_until_free(std::unique_lock<std::mutex>& shard_lock, const KeyView& key,
                       std::uint64_t hash) {
    while (const Hold* hold = find(key, hash)) {
      WaitGraph::begin_wait(hold->owner, hold->key);
      ++waiting_;
      freed_.wait(shard_lock);
      --waiting_;
    }
  }
  /// Requires: the key is free. `key` must stay where it is until unlock().
  void lock(const K& key, std::uint64_t hash, std::uint64_t stamp) {
    holds_.push_back({&key, hash, std::this_thread::get_id(), stamp, std::nullopt});
  }
  void change_stamp(const K& key, std::uint64_t stamp) noexcept {
    for (auto& hold : holds_) {
      if (hold.key == &key) hold.stamp = stamp;
    }
  }
  void unlock(const K& key) noexcept {
    for (auto& hold : holds_) {
      if (hold.key != &key) continue;
      if (waiting_ > 0) WaitGraph::end_waits_for(&key);
      hold = holds_.back();
      holds_.pop_back();
      if (waiting_ > 0) freed_.notify_all();
      return;
    }
  }
  template <class KeyView>
  [[nodiscard]] bool is_held(const KeyView& key, std::uint64_t hash) const {
    return find(key, hash) != nullptr;
  }
  [[nodiscard]] bool held_by_this_thread() const noexcept {
    for (const auto& hold : holds_) {
      if (hold.owner == std::this_thread::get_id()) return true;
    }
    return false;
  }
  [[nodiscard]] std::optional<EntryState> early_state_of(const K& key) const noexcept {
    for (const auto& hold : holds_) {
      if (hold.key == &key) return hold.early_state;
    }
    return std::nullopt;
  }
  [[nodiscard]] Hold* find_by_stamp(std::uint64_t hash, std::uint64_t stamp) noexcept {
    for (auto& hold : holds_) {
      if (hold.hash == hash && hold.stamp == stamp) return &hold;
    }
    return nullptr;
  }

 private:
  template <class KeyView>
  [[nodiscard]] const Hold* find(const KeyView& key, std::uint64_t hash) const {
    for (const auto& hold : holds_) {
      if (hold.hash == hash && Equal{}(*hold.key, key)) return &hold;
    }
    return nullptr;
  }

  std::vector<Hold> holds_;
  std::uint32_t waiting_ = 0;
  std::condition_variable freed_;
};

}  // namespace tarmac::internal
