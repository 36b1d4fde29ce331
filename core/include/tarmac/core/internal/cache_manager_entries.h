// CacheManager: entries and the whole. Included by cache_manager.h.
#pragma once

#include <tarmac/core/cache_manager.h>

#include <limits>

namespace tarmac {

template <class K, class V, class H, class E>
CacheManager<K, V, H, E>::CacheManager(CacheOptions options, Weigher<K, V> weigher)
    : CacheBase((options.validate(), options.name)),
      weigher_(std::move(weigher)),
      engine_(options, events()),
      history_(options.undo_commands_max, options.undo_bytes_max) {
  engine_.recover();
  // A store that is read may fail, and get() does not stop to say that it would take what expired.
  if (engine_.options().read_through) engine_.loads().keep_expired(engine_.options().loading);
}

template <class K, class V, class H, class E>
CacheManager<K, V, H, E>::~CacheManager() {
  detach_probe();
  engine_.shut_down();
}

template <class K, class V, class H, class E>
Weigher<K, V> CacheManager<K, V, H, E>::default_weigher() {
  return [](const K& key, const V& value) { return content_bytes(key) + content_bytes(value); };
}

template <class K, class V, class H, class E>
const std::optional<RecoveryReport>& CacheManager<K, V, H, E>::recovery_report() const noexcept {
  return engine_.recovery();
}

template <class K, class V, class H, class E>
auto CacheManager<K, V, H, E>::prepare(Key key, V&& value, const SetOptions& options) -> Prepared {
  Prepared prepared;
  const std::uint64_t weight = options.weight ? *options.weight : weigh(key, value);
  prepared.intent.next = engine_.make_version(std::move(value), options.ttl);
  if (options.ttl && options.ttl->count() <= 0) {
    prepared.outcome = SetOutcome::already_expired;
  } else if (weight > std::numeric_limits<std::uint32_t>::max() ||
             !engine_.budget().could_hold(weight)) {
    prepared.outcome = SetOutcome::too_large;
    prepared.intent.keep_in_cache = false;
    prepared.intent.removal_cause = RemovalCause::refused;
  } else {
    prepared.intent.next.weight = static_cast<std::uint32_t>(weight);
  }
  return prepared;
}

template <class K, class V, class H, class E>
std::uint64_t CacheManager<K, V, H, E>::weigh(Key key, const V& value) const {
  constexpr bool kIsPlainView =
      std::is_same_v<Key, const K&> || std::is_same_v<Key, std::string_view>;
  if constexpr (kIsPlainView) {  // Spares making a K for nothing but its size.
    if (!weigher_) return content_bytes(key) + content_bytes(value);
  }
  return weigher_ ? weigher_(K(key), value) : default_weigher()(K(key), value);
}

template <class K, class V, class H, class E>
void CacheManager<K, V, H, E>::count(SetOutcome outcome) {
  engine_.counters().add(Counter::sets);
  if (outcome == SetOutcome::too_large) engine_.counters().add(Counter::rejected);
}

template <class K, class V, class H, class E>
SetOutcome CacheManager<K, V, H, E>::set(Key key, V value, const SetOptions& options) {
  const auto hash = engine_.expect_write(key);
  auto prepared = prepare(key, std::move(value), options);
  engine_.write(key, hash, std::move(prepared.intent));
  count(prepared.outcome);
  return prepared.outcome;
}

template <class K, class V, class H, class E>
std::optional<V> CacheManager<K, V, H, E>::get(Key key) {
  std::optional<V> found;
  if (!engine_.copy(key, found) && engine_.options().read_through) [[unlikely]] {
    if (const auto stored = read_through(key)) found.emplace(stored.value());
  }
  return found;
}

template <class K, class V, class H, class E>
template <class Function>
bool CacheManager<K, V, H, E>::visit(Key key, Function&& function) {
  if (engine_.read(key, function)) return true;
  if (!engine_.options().read_through) return false;
  const auto stored = read_through(key);
  if (stored) function(stored.value());
  return static_cast<bool>(stored);
}

template <class K, class V, class H, class E>
template <class Usable>
std::optional<V> CacheManager<K, V, H, E>::get_hit(Key key, Usable&& usable) {
  std::optional<V> found;
  engine_.read_hit(key, usable, [&found](const V& value) { found.emplace(value); });
  return found;
}

template <class K, class V, class H, class E>
bool CacheManager<K, V, H, E>::erase(Key key) {
  return engine_.write(key, engine_.expect_write(key), Intent{}).was_present;
}

template <class K, class V, class H, class E>
template <class Function>
std::optional<V> CacheManager<K, V, H, E>::compute(Key key, Function&& function,
                                                   const SetOptions& options) {
  std::optional<V> result;
  SetOutcome outcome = SetOutcome::stored;
  engine_.write_decided(key, [&](const std::optional<internal::Version<V>>& current) {
    result = function(current ? std::optional<V>(current->content.value()) : std::nullopt);
    if (!result) return Intent{};
    auto prepared = prepare(key, V(*result), options);
    outcome = prepared.outcome;
    return std::move(prepared.intent);
  });
  if (result) count(outcome);
  return result;
}

template <class K, class V, class H, class E>
template <class Predicate>
std::size_t CacheManager<K, V, H, E>::erase_if(Predicate&& predicate) {
  std::size_t erased = 0;
  engine_.supersede_loads();  // What they will give cannot be asked yet.
  engine_.for_each_version([&](const K& key, internal::Version<V> version) {
    while (predicate(key, version.content.value())) {
      Intent intent;
      intent.expected = version.stamp;
      if (engine_.write(key, engine_.expect_write(key), std::move(intent)).applied) {
        ++erased;
        return;
      }
      auto newer = engine_.peek(key);  // It was changed since: what it is now decides.
      if (!newer) return;
      version = std::move(*newer);
    }
  });
  return erased;
}

template <class K, class V, class H, class E>
template <class Function>
void CacheManager<K, V, H, E>::for_each(Function&& function) {
  engine_.for_each_version([&function](const K& key, const internal::Version<V>& version) {
    function(key, version.content.value());
  });
}

template <class K, class V, class H, class E>
void CacheManager<K, V, H, E>::swap_strategy(const std::string& name,
                                             const Parameters& parameters) {
  engine_.swap_strategy(internal::registered_strategy(name, parameters));
}

template <class K, class V, class H, class E>
void CacheManager<K, V, H, E>::swap_strategy(const std::string& name,
                                             const StrategyFactory& factory) {
  engine_.swap_strategy({name, factory});
}

template <class K, class V, class H, class E>
void CacheManager<K, V, H, E>::restore_snapshot(const Snapshot& snapshot) {
  const auto* data = dynamic_cast<const internal::SnapshotData<K, V>*>(snapshot.data_.get());
  if (data == nullptr) {
    throw UsageError("cache \"" + name() + "\": restore_snapshot() needs a snapshot of a cache " +
                     "with the same key and value types" +
                     (snapshot.data_ ? "; this one is of \"" + snapshot.cache_name() + "\""
                                     : "; this one is empty"));
  }
  engine_.restore_snapshot(*data);
}

template <class K, class V, class H, class E>
Stats CacheManager<K, V, H, E>::stats() const {
  Stats stats;
  engine_.fill_stats(stats);
  const auto depth = history_.depth();
  stats.undo_depth = depth.undo;
  stats.redo_depth = depth.redo;
  stats.undo_bytes = depth.bytes;
  return stats;
}

template <class K, class V, class H, class E>
CacheDescription CacheManager<K, V, H, E>::describe() const {
  CacheDescription description;
  description.name = name();
  description.strategy = engine_.strategy_name();
  description.write_policy = "none";
  if (const auto policy = engine_.policy()) {
    description.write_policy = policy->name();
    if (const auto store = policy->store()) description.store = store->name();
  }
  description.capacity = engine_.budget().capacity();
  description.shards = engine_.shard_count();
  return description;
}

}  // namespace tarmac
