// Engine: what goes to the store and comes from it. Included by engine.h.
#pragma once

#include <tarmac/core/internal/engine.h>

namespace tarmac::internal {

/// What a store will have that gets `owed`.
[[nodiscard]] inline std::optional<StoredValue> owed_value(const StoreWrite& owed) {
  if (!owed.value) return std::nullopt;
  return StoredValue{*owed.value, owed.stamp, owed.expires_at};
}

template <class V>
[[nodiscard]] std::optional<Version<V>> version_of(const std::optional<StoredValue>& stored,
                                                   WallNanos wall_now, const Clock& clock) {
  if constexpr (Encodable<V>) {
    if (!stored || (stored->expires_at && *stored->expires_at <= wall_now)) return std::nullopt;
    Version<V> version;
    version.content = Content<V>(Codec<V>::decode(stored->bytes));
    version.created_at = clock.steady_now();
    if (stored->expires_at) {
      version.deadline = deadline_after(version.created_at, *stored->expires_at - wall_now);
    }
    version.stamp = stored->stamp;
    return version;
  } else {
    return std::nullopt;
  }
}

template <class K, class V, class H, class E>
std::optional<Version<V>> Engine<K, V, H, E>::stored(Key key) {
  const auto current = policy();
  if (!current || !current->store()) return std::nullopt;
  try {
    return load_stored(*current, key);
  } catch (const StoreError& error) {
    announce(EventType::store_error, error.what(), 1, 0);
    throw;
  }
}

template <class K, class V, class H, class E>
StoreWrite Engine<K, V, H, E>::encode(Key key, std::uint64_t hash,
                                      const Version<V>& version) const {
  if constexpr (Encodable<K> && Encodable<V>) {
    StoreWrite write;
    write.key = Codec<K>::encode(K(key));
    write.stamp = version.stamp;
    write.hash = hash;
    if (!version) return write;
    if (version.deadline == kNever) {  // And no clock need be asked.
      write.value = Codec<V>::encode(version.content.value());
      return write;
    }
    const auto now = clock_->steady_now();
    if (version.deadline > now) write.value = Codec<V>::encode(version.content.value());
    write.expires_at = deadline_after(clock_->wall_now(), version.deadline - now);
    return write;
  } else {
    // recover() and set_write_policy() have refused what would get here.
    TARMAC_ASSERT(false);
    return {};
  }
}

// For the function of compute(), with read_through: nobody else can write the key meanwhile. As
// with a write that fails, the key's lock is given back before anybody is told.
template <class K, class V, class H, class E>
std::optional<Version<V>> Engine<K, V, H, E>::stored_for(std::optional<KeyHold>& hold, Key key) {
  const auto current = options_.read_through ? policy() : nullptr;
  if (!current || !current->store()) return std::nullopt;
  try {
    return load_stored(*current, key);
  } catch (const StoreError& error) {
    hold.reset();
    announce(EventType::store_error, error.what(), 1, 0);
    throw;
  }
}

template <class K, class V, class H, class E>
std::vector<std::optional<Version<V>>> Engine<K, V, H, E>::stored_many(const std::vector<K>& keys) {
  std::vector<std::optional<Version<V>>> found;
  const auto current = options_.read_through ? policy() : nullptr;
  if (!current || !current->store()) return found;
  if constexpr (Encodable<K> && Encodable<V>) {
    const auto wall_now = clock_->wall_now();
    found.resize(keys.size());
    std::vector<std::string> asked;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      auto bytes = Codec<K>::encode(keys[i]);
      hand_over_all(shard_of(hash_of(keys[i])));
      if (const auto owed = current->pending(bytes)) {
        found[i] = version_of<V>(owed_value(*owed), wall_now, *clock_);
      } else {
        asked.push_back(std::move(bytes));
        places.push_back(i);
      }
    }
    if (asked.empty()) return found;
    try {
      const auto loaded = current->store()->load_many(asked, wall_now);
      for (std::size_t i = 0; i < loaded.size(); ++i) {
        found[places[i]] = version_of<V>(loaded[i], wall_now, *clock_);
      }
    } catch (const StoreError& error) {
      announce(EventType::store_error, error.what(), 1, 0);
      found.clear();
    }
  }
  return found;
}

// What the store has, or is owed, for a key that is not cached.
template <class K, class V, class H, class E>
std::optional<Version<V>> Engine<K, V, H, E>::load_stored(const WritePolicy& policy,
                                                          Key key) const {
  if constexpr (Encodable<K> && Encodable<V>) {
    const auto bytes = Codec<K>::encode(K(key));
    const auto wall_now = clock_->wall_now();
    hand_over_all(shard_of(hash_of(key)));
    const auto owed = policy.pending(bytes);
    return version_of<V>(owed ? owed_value(*owed) : policy.store()->load(bytes, wall_now), wall_now,
                         *clock_);
  } else {
    return std::nullopt;
  }
}

}  // namespace tarmac::internal
