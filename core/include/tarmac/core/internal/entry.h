// The typed entry. What a strategy changes at a hit comes first, what a look-up needs stands side
// by side: as few cache lines as can be.
#pragma once

#include <tarmac/core/clock.h>
#include <tarmac/core/entry_node.h>
#include <tarmac/core/entry_state.h>
#include <tarmac/core/internal/entry_arena.h>
#include <tarmac/core/internal/ref.h>
#include <tarmac/core/internal/table_group.h>
#include <tarmac/core/internal/timing_wheel.h>
#include <tarmac/core/internal/value_cell.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace tarmac::internal {

/// One version of a key: what a write brings, undo restores and a snapshot keeps. Without a
/// content: no entry.
template <class V>
struct Version {
  explicit operator bool() const noexcept { return static_cast<bool>(content); }

  Content<V> content;
  SteadyNanos created_at = 0;
  /// By its TTL; the entry's may be earlier, by expire_after_access.
  SteadyNanos deadline = kNever;
  std::uint64_t stamp = 0;
  std::uint32_t weight = 0;
};

/// What only entries with a deadline have: their place in the timing wheel.
struct EntryTimer final : TimedNode {
  explicit EntryTimer(EntryNode& entry) noexcept : node(entry) {}

  EntryNode& node;
  /// By the TTL of the value alone.
  Relaxed<SteadyNanos> deadline = kNever;
  /// When a reader last saw the entry, kept with expire_after_access only.
  Relaxed<SteadyNanos> seen_at = 0;
};

/// Whether the table keeps copies of keys and values.
template <class K, class V>
inline constexpr bool kIsPaired = kFitsInWord<K>&& kFitsInWord<V>;

template <class K, class V>
struct EntryHead {
  EntryHead(K k, const Content<V>& content) : key(std::move(k)), cell(content) {}

  const K key;
  ValueCell<V> cell;
};

struct EntryOwners : RefCounted {
  LifeCycle life;
  EntryArena::SlabShift slab_shift = 0;
};

template <class K, class V>
struct Entry final : EntryOwners, EntryNode, EntryHead<K, V> {
  /// Of the version that `first` is, with the table's reference.
  Entry(K k, std::uint64_t key_hash, const Version<V>& first)
      : EntryHead<K, V>(std::move(k), first.content),
        created_at(first.created_at),
        stamp(first.stamp) {
    hash = key_hash;
    weight = first.weight;
  }

  /// The same in memory of `arena`.
  template <class... Parts>
  [[nodiscard]] static Ref<Entry> make(EntryArena& arena, Parts&&... parts) {
    const auto place = arena.take();
    if (place.shift == 0) return Ref<Entry>(new Entry(std::forward<Parts>(parts)...));
    try {
      return make_at(place, std::forward<Parts>(parts)...);
    } catch (...) {
      EntryArena::give(place.memory, place.shift);
      throw;
    }
  }
  template <class... Parts>
  [[nodiscard]] static Ref<Entry> make_at(EntryArena::Place place, Parts&&... parts) {
    auto made = Ref<Entry>::of_new(::new (place.memory) Entry(std::forward<Parts>(parts)...));
    made->slab_shift = place.shift;
    return made;
  }
  /// Ends the entry, and gives the place that it had.
  [[nodiscard]] static EntryArena::Place vacate(Entry& entry) noexcept {
    const auto shift = entry.slab_shift;
    std::destroy_at(&entry);
    return {&entry, shift};
  }
  static void give_back(EntryArena::Place place) noexcept {
    if (place.shift != 0) return EntryArena::give(place.memory, place.shift);
    if constexpr (alignof(Entry) > __STDCPP_DEFAULT_NEW_ALIGNMENT__) {
      return ::operator delete (place.memory, std::align_val_t{alignof(Entry)});
    }
    ::operator delete(place.memory);
  }
  static void operator delete(Entry* entry, std::destroying_delete_t /*tag*/) noexcept {
    give_back(vacate(*entry));
  }
  // For a new-expression whose constructor throws: it must find what fits its operator new.
  static void* operator new(std::size_t bytes) { return ::operator new(bytes); }
  static void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return ::operator new(bytes, alignment);
  }
  static void operator delete(void* memory) noexcept { ::operator delete(memory); }
  static void operator delete(void* memory, std::align_val_t alignment) noexcept {
    ::operator delete(memory, alignment);
  }

  [[nodiscard]] Version<V> version() const {
    return {this->cell.content(), created_at, deadline(), stamp, weight};
  }
  [[nodiscard]] SteadyNanos deadline() const noexcept {
    return timer ? timer->deadline.load() : kNever;
  }

  SteadyNanos created_at;
  std::uint64_t stamp;
  /// Made with the first deadline, and then kept until the entry is destroyed: readers look at it.
  std::unique_ptr<EntryTimer> timer;
};

/// What the table keeps of an entry.
template <class K, class V>
[[nodiscard]] WordPair words_of(const Entry<K, V>& entry) noexcept {
  if constexpr (kIsPaired<K, V>) {
    return {to_word(entry.key), entry.cell.word()};
  } else if constexpr (!kFitsInWord<V>) {
    return {0, reinterpret_cast<std::uintptr_t>(entry.cell.block())};
  } else {
    return {};
  }
}

}  // namespace tarmac::internal
