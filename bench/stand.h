// A filled cache for the cells that follow each other.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "keys.h"
#include "subject.h"

namespace tarmac::bench {

/// A cache, how it was filled, and where in the list of requests we are.
template <class Cache>
struct Stand {
  using Key = typename Cache::Key;

  std::unique_ptr<Cache> cache;
  const std::vector<Request<Key>>* requests = nullptr;
  /// Which is next. Kept from cell to cell: asking for the same requests again would find them all.
  std::size_t next = 0;
  /// Ranks that nobody has asked for yet.
  std::uint64_t unused_rank = 0;
};

/// Fills from the least popular rank to the most popular.
template <class Cache>
void fill(Cache& cache, std::size_t entries) {
  for (std::uint64_t rank = entries; rank-- > 0;) {
    const auto made = key_of<typename Cache::Key>(rank);
    const Wanted<typename Cache::Key> key = made;
    cache.set(key, value_of(key));
  }
}

template <class Cache>
bool hit(Cache& cache, Wanted<typename Cache::Key> key) {
  auto value = cache.get(key);
  benchmark::DoNotOptimize(value);
  return value.has_value();
}

template <class Cache>
bool hit_or_insert(Cache& cache, Wanted<typename Cache::Key> key) {
  if constexpr (requires { cache.get_or_insert(key); }) {  // The only call that it has.
    return cache.get_or_insert(key);
  } else {
    if (hit(cache, key)) return true;
    cache.set(key, value_of(key));
    return false;
  }
}

/// Writes a key that is there.
template <class Cache>
void replace(Cache& cache, Wanted<typename Cache::Key> key, typename Cache::Value value) {
  if constexpr (requires { cache.replace(key, std::move(value)); }) {
    cache.replace(key, std::move(value));
  } else {
    cache.set(key, std::move(value));
  }
}

enum class Filling : std::uint8_t {
  /// Every key that is asked for is there, with room to spare.
  resident,
  /// Full with a tenth of the keys that are asked for.
  tenth,
};

template <class Cache>
void fill_resident(Stand<Cache>& stand) {
  fill(*stand.cache, sizes().entries);
  const auto& wanted = *stand.requests;
  auto& next = stand.next;
  for (; next < requests_to_settle(); ++next) {
    static_cast<void>(hit<Cache>(*stand.cache, wanted[next & (wanted.size() - 1)]));
  }
}

template <class Cache>
void fill_tenth(Stand<Cache>& stand, std::size_t ranks) {
  const std::size_t entries = sizes().entries;
  using Key = typename Cache::Key;
  for (const auto rank : recent_ranks(ranks, entries)) {
    const auto made = key_of<Key>(rank);
    const Wanted<Key> key = made;
    stand.cache->set(key, value_of(key));
  }
  // What a strategy learns only from requests.
  auto& next = stand.next;
  for (; next < entries / 2; ++next) hit_or_insert<Cache>(*stand.cache, (*stand.requests)[next]);
}

template <class Cache>
std::unique_ptr<Stand<Cache>> make_stand(const Subject<Cache>& subject, Filling filling) {
  const std::size_t entries = sizes().entries;
  auto stand = std::make_unique<Stand<Cache>>();
  const std::size_t ranks = filling == Filling::resident ? entries : entries * 10;
  stand->requests = &requests<typename Cache::Key>(ranks);
  stand->unused_rank = ranks;
  if (filling == Filling::resident) {
    // Caches of many shards need the room, because their shards do not fill evenly.
    stand->cache = subject.make(entries + entries / 4);
    fill_resident(*stand);
  } else {
    stand->cache = subject.make(entries);
    fill_tenth(*stand, ranks);
  }
  return stand;
}

/// The stand that the running cell works on. There is one at a time, so that each subject has the
/// memory for itself. All threads of a cell ask for the same one; the first makes it.
template <class Cache>
Stand<Cache>& current_stand(const Subject<Cache>& subject, Filling filling);

/// Frees the stand.
void leave_stand();

namespace internal {
struct StandSlot {
  std::mutex mutex;
  std::string name;
  std::shared_ptr<void> stand;
};
StandSlot& stand_slot();
}  // namespace internal

template <class Cache>
Stand<Cache>& current_stand(const Subject<Cache>& subject, Filling filling) {
  auto& slot = internal::stand_slot();
  const std::string name =
      subject.name + (filling == Filling::resident ? "/resident" : "/tenth") +
      (sizeof(typename Cache::Key) == sizeof(std::uint64_t) ? "/u64" : "/text");
  const std::lock_guard lock(slot.mutex);
  if (slot.name != name) {
    slot.stand.reset();
    slot.stand = make_stand(subject, filling);
    slot.name = name;
  }
  return *static_cast<Stand<Cache>*>(slot.stand.get());
}

}  // namespace tarmac::bench
