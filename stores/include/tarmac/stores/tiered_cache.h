// Two tiers: a cache in this process in front of values that many processes share through Redis.
#pragma once

#include <tarmac/core/cache_manager.h>
#include <tarmac/core/codec.h>
#include <tarmac/stores/tiered_options.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tarmac {

/// A cache of `V` under string keys that agrees with those of all other processes on the same
/// server and prefix. A read in this process costs what a CacheManager's does; what it does not
/// have is fetched from Redis, once however many threads ask, and kept until somebody changes it.
///
/// - Coherence: every change of a key removes it here, and ends the load that is under way: it
///   reaches its caller and not the cache. If changes cannot be heard of, nothing that is kept is
///   returned (RedisTierOptions::serve_unheard). A read returns no value that was replaced longer
///   than `heartbeat_limit` ago; after a set() of this process, none older than it.
/// - Failures: if Redis does not answer, calls throw StoreError within `call_limit`, then at once
///   until it is tried again; get_or_load() calls its loader instead.
/// - Thread-safety: all members may be called from any thread, but for the destructor.
/// - `V`: with a Codec.
template <class V>
class TieredCache {
 public:
  using L1 = CacheManager<std::string, V>;

  explicit TieredCache(TieredOptions options)
      : l2_ttl_(options.l2_ttl),
        refreshes_(options.l1.loading.may_refresh()),
        l1_(l1_options(std::move(options.l1))),
        alone_(alone_options(l1_.options())),
        l2_(std::move(options.l2), listener()) {
    l1_.extra_figures().set([this] { return figures(); });
  }
  TieredCache(const TieredCache&) = delete;
  TieredCache& operator=(const TieredCache&) = delete;
  ~TieredCache() { l1_.extra_figures().set(nullptr); }

  /// Empty if there is none in either tier.
  [[nodiscard]] std::optional<V> get(std::string_view key) {
    auto found = l1_.get_hit(key, [this] { return !refreshes_ && l2_.is_heard(); });
    if (!found) [[unlikely]]
      found = get_or_fetch(key);
    return found;
  }

  /// In the order of `keys`. What this process does not have is fetched RedisTierOptions::batch_max
  /// keys in a round trip.
  [[nodiscard]] std::vector<std::optional<V>> get_many(const std::vector<std::string>& keys) {
    if (l2_.is_heard()) [[likely]] {
      return l1_.get_many_or_load(
          keys, [&](const std::vector<std::string>& missing) { return fetch_many(missing); });
    }
    bypassed_.fetch_add(keys.size(), std::memory_order_relaxed);
    std::vector<std::optional<V>> values;
    for (const auto& found : l2_.fetch(keys)) values.push_back(decode(found));
    return values;
  }

  /// What `loader()` returns (as for CacheManager::get_or_load) where neither tier has a value:
  /// then both have it. In this process one loader runs for a key; of several processes that load
  /// at the same time, the first one's value is everybody's. A change at the loader's source that
  /// comes between its reading and its value's arrival must be followed by erase(), as ever.
  template <class Loader>
  auto get_or_load(std::string_view key, Loader&& loader) -> internal::load_returned_t<V, Loader> {
    using Result = internal::LoadResult<V, std::invoke_result_t<Loader&>>;
    const auto load = [&] {
      if constexpr (Result::kMayBeNothing) {
        return fetch_or_load(key, loader);
      } else {
        return *fetch_or_load(key, loader);  // So that it waits for nobody who finds nothing.
      }
    };
    if (l2_.is_heard()) [[likely]]
      return l1_.get_or_load(key, load);
    bypassed_.fetch_add(1, std::memory_order_relaxed);
    return alone_.get_or_load(key, [&] { return not_kept(load()); });
  }

  /// For all processes. On an error it is not known whether they see it.
  void set(std::string_view key, const V& value, const SetOptions& options = {}) {
    change(key,
           [&] { l2_.store(key, Codec<V>::encode(value), options.ttl ? options.ttl : l2_ttl_); });
  }
  /// Whether the second tier had it.
  bool erase(std::string_view key) {
    bool there = false;
    change(key, [&] { there = l2_.remove(key); });
    return there;
  }

  /// The first tier, to look at and observe: no other process hears of what is changed there.
  [[nodiscard]] L1& l1() noexcept { return l1_; }
  [[nodiscard]] TieredStats stats() const {
    return {l1_.stats(), l2_.stats(), bypassed_.load(), undecodable_.load()};
  }

 private:
  using Kept = std::optional<Loaded<V>>;

  static CacheOptions l1_options(CacheOptions options) {
    options.loading.executor = nullptr;  // Its loaders are those of calls that wait for them.
    return options;
  }
  /// Keeps nothing: only has one thread load what many ask for while the first tier is passed by.
  static CacheOptions alone_options(const CacheOptions& l1) {
    CacheOptions options;
    options.name = l1.name;
    options.max_entries = 1;
    options.background_expiry = false;
    options.loading.hard_timeout = l1.loading.hard_timeout;
    return options;
  }
  RedisTier::Listener listener() {
    return {[this](std::string_view key) { l1_.erase(key); }, [this] { l1_.clear(); }};
  }

  [[nodiscard]] std::vector<ExtraFigure> figures() const {
    auto all = internal::tier_figures(l2_.stats());
    const auto add = [&all](const char* name, const char* help, std::uint64_t value) {
      all.push_back({name, help, true, static_cast<double>(value), {}});
    };
    add("tarmac_cache_l1_bypassed_total", "Look-ups that passed by the first tier.", bypassed_);
    add("tarmac_cache_l2_undecodable_total", "Values that the codec could not read.", undecodable_);
    return all;
  }
  /// This process must not return what was there before, nor keep what it is fetching meanwhile.
  template <class Change>
  void change(std::string_view key, const Change& make) {
    l1_.erase(key);
    try {
      make();
    } catch (...) {
      l1_.erase(key);
      throw;
    }
    l1_.erase(key);
  }

  [[nodiscard]] std::optional<V> decode(const std::optional<RedisTier::Value>& found) {
    if (!found) return std::nullopt;
    try {
      return Codec<V>::decode(found->bytes);
    } catch (const Error&) {  // Written by something else: it will be replaced, or expire.
      undecodable_.fetch_add(1, std::memory_order_relaxed);
      return std::nullopt;
    }
  }
  /// To be kept until the second tier's value expires: its rest was asked for after `asked_at`.
  [[nodiscard]] Kept keep(const std::optional<RedisTier::Value>& found, SteadyNanos asked_at) {
    auto value = decode(found);
    if (!value) return std::nullopt;
    Loaded<V> kept{std::move(*value)};
    kept.options.ttl = l1_ttl(found->ttl, asked_at);
    return kept;
  }
  [[nodiscard]] std::optional<std::chrono::nanoseconds> l1_ttl(
      std::optional<std::chrono::nanoseconds> rest, SteadyNanos asked_at) const {
    if (!rest) return std::nullopt;
    const auto spent = l1_.clock()->steady_now() - asked_at;
    const auto left = *rest - std::chrono::nanoseconds(spent);
    const auto& most = l1_.options().default_ttl;
    return most ? std::min(left, *most) : left;
  }
  [[gnu::noinline]] std::optional<V> get_or_fetch(std::string_view key) {  // Apart from hits.
    if (l2_.is_heard()) return l1_.get_or_load(key, [&] { return fetch(key); });
    bypassed_.fetch_add(1, std::memory_order_relaxed);
    return value_of(fetch(key));
  }
  [[nodiscard]] Kept fetch(std::string_view key) {
    const auto asked_at = l1_.clock()->steady_now();
    const std::array<std::string, 1> keys{std::string(key)};
    return keep(l2_.fetch(keys).front(), asked_at);
  }
  [[nodiscard]] std::vector<std::pair<std::string, Loaded<V>>> fetch_many(
      const std::vector<std::string>& keys) {
    const auto asked_at = l1_.clock()->steady_now();
    const auto found = l2_.fetch(keys);
    std::vector<std::pair<std::string, Loaded<V>>> kept;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (auto one = keep(found[i], asked_at)) kept.emplace_back(keys[i], std::move(*one));
    }
    return kept;
  }

  template <class Loader>
  [[nodiscard]] Kept fetch_or_load(std::string_view key, Loader& loader) {
    bool answers = true;
    try {
      if (auto found = fetch(key)) return found;
    } catch (const StoreError&) {
      answers = false;  // Better the source than nothing.
    }
    Kept loaded;
    internal::unpack_loaded<V>(loader(), [&](V&& value, const SetOptions& options) {
      loaded.emplace(Loaded<V>{std::move(value), options});
    });
    if (!loaded) return loaded;
    if (!answers) return not_kept(std::move(loaded));
    return share(key, std::move(loaded));
  }
  /// What the second tier has after it was offered `loaded`: another process may have been quicker.
  [[nodiscard]] Kept share(std::string_view key, Kept loaded) {
    try {
      auto& ttl = loaded->options.ttl;
      if (!ttl) ttl = l2_ttl_;
      const auto asked_at = l1_.clock()->steady_now();
      if (l2_.store_if_absent(key, Codec<V>::encode(loaded->value), ttl)) {
        ttl = l1_ttl(ttl, asked_at);
        return loaded;
      }
      if (auto winner = fetch(key)) return winner;
    } catch (const StoreError&) {
      // It is not known what the others see: it must not be kept.
    }
    return not_kept(std::move(loaded));
  }
  [[nodiscard]] static Kept not_kept(Kept loaded) {
    if (loaded) loaded = not_kept(std::move(*loaded));
    return loaded;
  }
  [[nodiscard]] static Loaded<V> not_kept(Loaded<V> loaded) {
    loaded.options.ttl = std::chrono::nanoseconds(0);
    return loaded;
  }
  [[nodiscard]] static std::optional<V> value_of(Kept kept) {
    return kept ? std::optional<V>(std::move(kept->value)) : std::nullopt;
  }

  const std::optional<std::chrono::nanoseconds> l2_ttl_;
  const bool refreshes_;
  std::atomic<std::uint64_t> bypassed_{0};
  std::atomic<std::uint64_t> undecodable_{0};
  L1 l1_;
  L1 alone_;
  /// The last: its thread calls the first tier.
  RedisTier l2_;
};

}  // namespace tarmac
