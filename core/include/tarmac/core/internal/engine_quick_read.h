// Engine: what nearly every look-up of words needs, and no more. Included by engine_read.h.
#pragma once

#include <tarmac/core/internal/engine.h>

#include <type_traits>
#include <utility>

namespace tarmac::internal {

// Whatever else there is to do is left to others, who are called last, so that nothing has to be
// kept for afterwards. Every way out ends the pin.
template <class K, class V, class H, class E>
struct Engine<K, V, H, E>::Quick {
  /// Keys and values stand in the table, and comparing them does not throw: the pin is ended by
  /// hand.
  static constexpr bool kServes = kIsPaired<K, V>&& noexcept(
      E{}(std::declval<K>(), std::declval<std::remove_reference_t<Key>&>()));

  /// Requires: nobody listens to hits, and `thread`, which is this one, has nothing pinned.
  template <class Use>
  [[gnu::always_inline]] static bool read(Engine& engine, ShardType& shard, Key key,
                                          std::uint64_t hash, ThreadSlot& thread, Use& use) {
    EpochPin::begin(thread);
    return read_pinned<false>(engine, shard, key, hash, thread, use);
  }
  /// What all others need.
  template <class Use>
  [[gnu::noinline]] static bool read_with_care(Engine& engine, ShardType& shard, Key key,
                                               std::uint64_t hash, Use& use) {
    return engine.read_with_care(shard, key, hash, use);
  }

 private:
  template <bool kTimed, class Use>
  [[gnu::always_inline]] static bool read_pinned(Engine& engine, ShardType& shard, Key key,
                                                 std::uint64_t hash, ThreadSlot& thread, Use& use) {
    auto& log = shard.hit_log();
    SteadyNanos trusted_until = 0;
    GlimpsedPair found;
    if (const auto* groups = shard.table.groups()) [[likely]] {
      // Before the slot, so that its code is at least as new.
      trusted_until = groups->trusted_until.load(std::memory_order_acquire);
      // (By a clock below zero nothing is said to be trusted here, and then nothing that may expire
      // is found.)
      const bool has_deadlines = trusted_until >= 0;
      if (has_deadlines && !kTimed) return read_timed(engine, shard, key, hash, thread, use);
      found = glimpse(groups->home_of(hash), hash,
                      [&key](std::uint64_t word) noexcept { return E{}(from_word<K>(word), key); });
    }
    const bool expires = kTimed && found.may_expire();
    const SteadyNanos now = expires ? engine.clock_->coarse_now() : 0;
    if (found.slot == 0 || !found.outlives(now, trusted_until)) [[unlikely]] {
      EpochPin::end(thread);
      if (!found.is_absent || engine.events_.has_slots(EventType::entry_get_miss)) [[unlikely]]
        return read_with_care(engine, shard, key, hash, use);
      engine.counters_.add(thread, Counter::misses);
      return false;
    }
    engine.counters_.add(thread, Counter::hits);
    if (shard.wants(found)) return end_recorded(shard, found, thread, log, use);
    EpochPin::end(thread);
    return give(found, use);
  }

  // Where something expires.
  template <class Use>
  [[gnu::noinline]] static bool read_timed(Engine& engine, ShardType& shard, Key key,
                                           std::uint64_t hash, ThreadSlot& thread, Use& use) {
    return read_pinned<true>(engine, shard, key, hash, thread, use);
  }

  template <class Use>
  [[gnu::noinline]] static bool end_recorded(ShardType& shard, GlimpsedPair found,
                                             ThreadSlot& thread, AccessLog& log, Use& use) {
    if (shard.record_at_once(as_look_up(found), thread, log)) [[likely]] {
      EpochPin::end(thread);
      return give(found, use);
    }
    return end_noted(shard, found, thread, log, use);
  }
  template <class Use>
  [[gnu::noinline]] static bool end_noted(ShardType& shard, GlimpsedPair found, ThreadSlot& thread,
                                          AccessLog& log, Use& use) {
    {
      const PinEnd end{thread};  // A snapshot may have to be made first, and memory run out.
      shard.note_hit(*as_look_up(found).entry, thread, log);
    }
    return give(found, use);
  }
  // As a const V&, which is what every other way gives.
  template <class Use>
  [[gnu::always_inline]] static bool give(const GlimpsedPair& found, Use& use) {
    const V value = from_word<V>(found.value);
    use(value);
    return true;
  }

  struct PinEnd {
    ~PinEnd() { EpochPin::end(thread); }

    ThreadSlot& thread;
  };
  static typename ShardType::LookUp as_look_up(const GlimpsedPair& found) noexcept {
    auto* entry = static_cast<EntryType*>(ShardType::Table::node_of(found.slot));
    return {entry, true, found.value, found.is_settled()};
  }
};

}  // namespace tarmac::internal
