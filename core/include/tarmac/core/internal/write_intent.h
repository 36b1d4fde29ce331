// What a write is to do to its key, and what it has done.
#pragma once

#include <tarmac/core/cache_options.h>
#include <tarmac/core/eviction_strategy.h>
#include <tarmac/core/internal/entry.h>
#include <tarmac/core/internal/function_ref.h>

#include <cstdint>
#include <functional>
#include <optional>

namespace tarmac::internal {

/// What one write is to do to its key.
template <class V>
struct WriteIntent {
  /// The new value, whose stamp the write will give it; without a content, the key is removed.
  Version<V> next;
  /// False for a value that goes to the store but is too large for the cache.
  bool keep_in_cache = true;
  RemovalCause removal_cause = RemovalCause::erased;
  /// Whether the version before is wanted, and if it is to be asked of the store where the key is
  /// not cached: for undo.
  bool want_before = false;
  /// If set, the write happens only while the key has the version of this stamp; 0 stands for an
  /// absent key.
  std::optional<std::uint64_t> expected;

  [[nodiscard]] bool keeps() const noexcept { return keep_in_cache && next; }
  /// The store is to have the value, and the cache no other.
  void leave_to_store() noexcept {
    if (!keeps()) return;
    keep_in_cache = false;
    removal_cause = RemovalCause::replaced;
  }
};

/// What a load found, made ready to be written; empty: there is nothing.
template <class V>
using LoadCall = FunctionRef<std::optional<WriteIntent<V>>()>;

/// The same with a loader of its own, for a load that may outlive its caller.
template <class K, class V>
using OwnedLoad = std::function<std::optional<WriteIntent<V>>(const K&)>;

/// Makes it, where it turns out to be needed.
template <class K, class V>
using LoadMaker = FunctionRef<OwnedLoad<K, V>()>;

/// A value on its way in, and what will become of it.
template <class V>
struct PreparedWrite {
  WriteIntent<V> intent;
  SetOutcome outcome = SetOutcome::stored;
};

/// What a write has done: what changed, and what was there before.
template <class V>
struct Mutation {
  bool applied = false;
  /// The key was cached.
  bool was_present = false;
  /// If it was wanted.
  std::optional<Version<V>> before;
  /// `before` came from the store; its weight is unknown.
  bool loaded = false;
  /// Of this write; 0 if the key is absent now.
  std::uint64_t stamp = 0;
};

}  // namespace tarmac::internal
