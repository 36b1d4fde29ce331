// Engine: what goes to the store and comes from it. Included by engine.h.
#pragma once

#include <tarmac/core/internal/engine.h>

namespace tarmac::internal {

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
    if (version) {
      const auto now = clock_->steady_now();
      if (version.deadline > now) write.value = Codec<V>::encode(version.content.value());
      if (version.deadline != kNever) {
        write.expires_at = deadline_after(clock_->wall_now(), version.deadline - now);
      }
    }
    return write;
  } else {
    // recover() and set_write_policy() have refused what would get here.
    TARMAC_ASSERT(false);
    return {};
  }
}

// What the store has, or is owed, for a key that is not cached.
template <class K, class V, class H, class E>
std::optional<Version<V>> Engine<K, V, H, E>::load_stored(const WritePolicy& policy,
                                                          Key key) const {
  if constexpr (Encodable<K> && Encodable<V>) {
    const auto bytes = Codec<K>::encode(K(key));
    const auto wall_now = clock_->wall_now();
    std::optional<StoredValue> stored;
    if (auto owed = policy.pending(bytes)) {
      if (owed->value) stored = {std::move(*owed->value), owed->stamp, owed->expires_at};
    } else {
      stored = policy.store()->load(bytes, wall_now);
    }
    if (!stored || (stored->expires_at && *stored->expires_at <= wall_now)) return std::nullopt;
    Version<V> version;
    version.content = Content<V>(Codec<V>::decode(stored->bytes));
    version.created_at = clock_->steady_now();
    if (stored->expires_at) {
      version.deadline = deadline_after(version.created_at, *stored->expires_at - wall_now);
    }
    version.stamp = stored->stamp;
    return version;
  } else {
    return std::nullopt;
  }
}

}  // namespace tarmac::internal
