// CacheManager: the values of many keys, from one call of a loader. Included by cache_manager.h.
#pragma once

#include <tarmac/core/cache_manager.h>
#include <tarmac/core/internal/cache_manager_loads.h>
#include <tarmac/core/internal/stored_value.h>

#include <unordered_map>

namespace tarmac {
namespace internal {

/// The loading of those keys of a get_many_or_load() that are not cached.
template <class EngineType, class K, class V>
class LoadOfMany {
 public:
  using Loads = typename EngineType::Loads;
  using Boarding = typename Loads::Boarding;
  using Intent = WriteIntent<V>;
  using Values = std::vector<std::optional<V>>;

  LoadOfMany(EngineType& engine, const LoadOptions& options, Values& values)
      : engine_(engine), loads_(engine), rules_{options, true}, values_(values) {}
  LoadOfMany(const LoadOfMany&) = delete;
  LoadOfMany& operator=(const LoadOfMany&) = delete;
  /// Nobody must wait for ever for a load that was not made.
  ~LoadOfMany() {
    for (const auto& one : mine_) {
      if (one.ended) continue;
      loads_.abandon(one.boarding, {},
                     std::make_exception_ptr(Error("a load of many keys was given up before it "
                                                   "began; ask again")));
    }
  }

  /// The value at `index` is missing.
  void add(lookup_key_t<K> key, std::size_t index) {
    auto boarding = loads_.board(key, rules_);
    if (boarding.decided()) {
      put(index, loads_.known(key, boarding, rules_.options));
    } else if (!boarding.leads) {
      // Perhaps one of this very call, for a key that is there twice.
      others_.push_back({std::move(boarding), index});
    } else {
      mine_.push_back({std::move(boarding), index});
      if (auto owed = loads_.owed_content(mine_.back().boarding)) {
        Intent intent;
        intent.next.content = std::move(owed);
        settle(mine_.back(), std::move(intent), 0);
      }
    }
  }

  using Take = FunctionRef<void(const K&, const std::optional<Intent>&)>;
  /// Calls `load(keys, take)` if anything is left to load; it calls `take` for each value.
  void run(FunctionRef<void(const std::vector<K>&, Take)> load) {
    std::vector<K> wanted;
    std::unordered_multimap<std::uint64_t, Mine*> by_hash;
    std::vector<const void*> led;
    for (auto& one : mine_) {
      if (one.ended) continue;
      const auto& flight = *one.boarding.flight;
      wanted.push_back(flight.key);
      by_hash.emplace(flight.hash, &one);
      led.push_back(&flight);
    }
    if (wanted.empty()) return;
    std::int64_t cost = 0;
    const auto take = [&](const K& key, const std::optional<Intent>& intent) {
      auto [at, last] = by_hash.equal_range(engine_.hash_of(key));
      for (; at != last; ++at) {
        // Twice for a key that was asked for twice, if a write between has ended its first flight.
        if (engine_.same_key(at->second->boarding.flight->key, key)) at->second->intent = intent;
      }
    };
    try {
      const LoaderMark mark(&engine_, led);
      loads_.timed(
          [&] {
            load(wanted, take);
            return true;
          },
          cost);
    } catch (...) {
      fail_all();
    }
    for (auto& one : mine_) {
      if (!one.ended) settle(one, std::move(one.intent), cost);
    }
  }

  /// Waits for what others load.
  void await_others() {
    for (const auto& one : others_) {
      loads_.count(Counter::coalesced_loads);
      put(one.index, loads_.await(*one.boarding.flight, rules_));
    }
  }

 private:
  struct Mine {
    Boarding boarding;
    std::size_t index;
    bool ended = false;
    std::optional<Intent> intent = std::nullopt;
  };
  struct Other {
    Boarding boarding;
    std::size_t index;
  };

  void put(std::size_t index, const Content<V>& content) {
    if (content) values_[index].emplace(content.value());
  }
  void settle(Mine& one, std::optional<Intent> intent, std::int64_t cost) {
    one.ended = true;  // Whatever happens in it.
    if (intent) put(one.index, intent->next.content);
    loads_.settle(one.boarding, std::move(intent), rules_.options, cost);
  }
  /// Within a handler. Throws on, unless something can stand in for each key.
  void fail_all() {
    bool all_stand_in = true;
    for (auto& one : mine_) {
      if (one.ended) continue;
      one.ended = true;
      loads_.abandon(one.boarding, rules_.options);
      auto stand_in = loads_.stale(one.boarding.flight->key, rules_.options);
      all_stand_in = all_stand_in && stand_in;
      put(one.index, stand_in);
    }
    if (!all_stand_in) throw;
  }

  EngineType& engine_;
  Loads loads_;
  const LoadRules rules_;
  Values& values_;
  std::vector<Mine> mine_;
  std::vector<Other> others_;
};

}  // namespace internal

template <class K, class V, class H, class E>
template <class Keys, class Loader>
std::vector<std::optional<V>> CacheManager<K, V, H, E>::get_many_or_load(
    const Keys& keys, Loader&& loader, const LoadOptions& options) {
  engine_.loads().keep_expired(options);
  std::vector<std::optional<V>> values(std::size(keys));
  internal::LoadOfMany<decltype(engine_), K, V> missing(engine_, options, values);
  std::size_t index = 0;
  for (const auto& key : keys) {
    auto& value = values[index];
    if (!engine_.read(key, [&value](const V& there) { value.emplace(there); })) {
      missing.add(key, index);
    }
    ++index;
  }
  using Take = typename internal::LoadOfMany<decltype(engine_), K, V>::Take;
  missing.run([&](const std::vector<K>& wanted, Take take) {
    std::vector<K> left;
    if constexpr (internal::kMayBeStored<K, V>) {
      const auto stored = engine_.stored_many(wanted);
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (i < stored.size() && stored[i]) {
          take(wanted[i], intend(wanted[i], internal::as_loaded<V>(stored[i])));
        } else {
          left.push_back(wanted[i]);
        }
      }
    } else {
      left = wanted;
    }
    if (left.empty()) return;
    constexpr bool kIsOurs = !std::is_lvalue_reference_v<decltype(loader(left))>;
    for (auto&& [key, result] : loader(left)) {
      const K& of = key;
      if constexpr (kIsOurs) {
        take(of, intend(of, std::move(result)));
      } else {
        take(of, intend(of, result));
      }
    }
  });
  missing.await_others();
  return values;
}

}  // namespace tarmac
