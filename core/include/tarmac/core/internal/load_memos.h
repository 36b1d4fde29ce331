// What a shard remembers of keys besides their entries: that there is nothing, that the loader
// failed, what expired, how long the load took.
#pragma once

#include <tarmac/core/clock.h>
#include <tarmac/core/internal/value_cell.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <limits>
#include <list>
#include <unordered_map>
#include <utility>

namespace tarmac::internal {

/// How often loads came out otherwise than by a value. Of all shards of a cache.
struct LoadFigures {
  std::atomic<std::uint64_t> refreshes{0};
  std::atomic<std::uint64_t> stale_served{0};
  std::atomic<std::uint64_t> negative_hits{0};
  std::atomic<std::uint64_t> error_hits{0};
  std::atomic<std::uint64_t> timeouts{0};
  /// The longest stale_if_error that was asked for so far.
  std::atomic<std::int64_t> keeps_expired_for{0};
};

template <class K, class V>
struct LoadMemo {
  static constexpr SteadyNanos kPast = std::numeric_limits<SteadyNanos>::min();

  LoadMemo(K k, std::uint64_t key_hash) : key(std::move(k)), hash(key_hash) {}

  const K key;
  const std::uint64_t hash;
  SteadyNanos absent_until = kPast;
  SteadyNanos error_until = kPast;
  std::exception_ptr error;
  /// The value that was there until `expired_at`, of so much weight.
  Content<V> expired;
  SteadyNanos expired_at = kPast;
  std::uint64_t weight = 0;
  /// Nanoseconds that the loader took for the value which is there.
  std::int64_t cost = 0;
  /// An executor has been given the refresh of the entry with this stamp; 0 if none has.
  std::uint64_t refresh_of = 0;
};

/// The memos of a shard: at most one for a key, the oldest leave first. Those that are dropped wait
/// in a list of their own, since what they hold must not be destroyed under the lock.
/// Thread-safety: guarded by the shard's mutex.
template <class K, class V, class Equal>
class LoadMemos {
 public:
  using Memo = LoadMemo<K, V>;
  using List = std::list<Memo>;

  [[nodiscard]] bool empty() const noexcept { return memos_.empty(); }
  [[nodiscard]] bool has_dropped() const noexcept { return !dropped_.empty(); }
  void take_dropped(List& out) noexcept { out.splice(out.end(), dropped_); }

  /// How long expired values are kept: the longest that was asked for. 0: not at all.
  [[nodiscard]] std::int64_t keeps_expired_for() const noexcept { return keep_for_; }
  /// Bounds the memos, and the weight of the values in them; sees to it that expired values are
  /// kept for `keep_for`, or longer. `seed` is of chance().
  void allow(std::uint64_t count, std::uint64_t weight, std::int64_t keep_for, std::uint64_t seed) {
    most_ = count;
    weight_max_ = weight;
    keep_for_ = std::max(keep_for_, keep_for);
    if (random_ == 0) random_ = seed | 1U;
  }
  /// From 0 (never) to 1; reproducible by the seed.
  [[nodiscard]] double chance() noexcept {
    random_ ^= random_ << 13U;  // Xorshift: Marsaglia 2003.
    random_ ^= random_ >> 7U;
    random_ ^= random_ << 17U;
    return (static_cast<double>(random_ >> 11U) + 1) * 0x1p-53;
  }

  template <class KeyView>
  [[nodiscard]] Memo* find(const KeyView& key, std::uint64_t hash) noexcept {
    const auto found = position(key, hash);
    return found == index_.end() ? nullptr : &*found->second;
  }
  /// The memo of `key`, new if there was none. The oldest makes room for it.
  template <class KeyView>
  [[nodiscard]] Memo& at(const KeyView& key, std::uint64_t hash) {
    if (auto* known = find(key, hash)) return *known;
    while (memos_.size() >= most_ && !memos_.empty()) drop_oldest();
    memos_.emplace_back(K(key), hash);
    try {
      index_.emplace(hash, std::prev(memos_.end()));
    } catch (...) {
      memos_.pop_back();
      throw;
    }
    return memos_.back();
  }
  /// Drops the oldest as far as they are of no more use at `now`.
  void drop_dead(SteadyNanos now) noexcept {
    while (!memos_.empty() && is_dead(memos_.front(), now)) drop_oldest();
  }
  /// Keeps what expired. Something heavier than all that may be kept is not.
  template <class KeyView>
  void keep(const KeyView& key, std::uint64_t hash, Content<V> content, SteadyNanos expired_at,
            std::uint64_t weight) {
    drop(key, hash);
    drop_dead(expired_at);
    if (weight > weight_max_) return;
    while (weight_ > weight_max_ - weight && !memos_.empty()) drop_oldest();
    auto& memo = at(key, hash);
    memo.expired = std::move(content);
    memo.expired_at = expired_at;
    memo.weight = weight;
    weight_ += weight;
  }
  template <class KeyView>
  void drop(const KeyView& key, std::uint64_t hash) noexcept {
    if (memos_.empty()) return;
    const auto found = position(key, hash);
    if (found != index_.end()) drop_at(found);
  }
  void drop_all() noexcept {
    index_.clear();
    dropped_.splice(dropped_.end(), memos_);
    weight_ = 0;
  }

 private:
  using Index = std::unordered_multimap<std::uint64_t, typename List::iterator>;

  template <class KeyView>
  [[nodiscard]] typename Index::iterator position(const KeyView& key, std::uint64_t hash) noexcept {
    auto [at, last] = index_.equal_range(hash);
    while (at != last && !Equal{}(at->second->key, key)) ++at;
    return at == last ? index_.end() : at;
  }
  [[nodiscard]] bool is_dead(const Memo& memo, SteadyNanos now) const noexcept {
    const bool stands_in = memo.expired && deadline_after(memo.expired_at, keep_for_) > now;
    return !stands_in && memo.absent_until <= now && memo.error_until <= now && memo.cost == 0 &&
           memo.refresh_of == 0;
  }
  void drop_oldest() noexcept {
    const auto& oldest = memos_.front();
    drop_at(position(oldest.key, oldest.hash));
  }
  void drop_at(typename Index::iterator found) noexcept {
    weight_ -= found->second->weight;
    dropped_.splice(dropped_.end(), memos_, found->second);
    index_.erase(found);
  }

  List memos_;
  List dropped_;
  Index index_;
  std::uint64_t most_ = 0;
  std::uint64_t weight_ = 0;
  std::uint64_t weight_max_ = 0;
  std::int64_t keep_for_ = 0;
  std::uint64_t random_ = 0;
};

}  // namespace tarmac::internal
