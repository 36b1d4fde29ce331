#include <tarmac/simulator/replay.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <tarmac/core/assert.h>
#include <tarmac/core/error.h>
#include <tarmac/core/internal/hash_index.h>
#include <tarmac/core/lowered_marks.h>

#include "object_pool.h"

namespace tarmac {
namespace {

using internal::Object;

std::int64_t nanoseconds_of(std::uint64_t seconds) {
  constexpr std::uint64_t kSecondsMax =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / 1'000'000'000U;
  if (seconds > kSecondsMax) return kNever - 1;
  return static_cast<std::int64_t>(seconds * 1'000'000'000U);
}

/// The request that stands for a key alone.
Request request_of(const Request& request) noexcept { return request; }
std::uint64_t key_of(const Request& request) noexcept { return request.key; }
std::uint64_t key_of(std::uint64_t key) noexcept { return key; }
Request request_of(std::uint64_t key) noexcept {
  Request request;
  request.key = key;
  return request;
}

}  // namespace

class StrategyReplay::Impl {
 public:
  Impl(std::unique_ptr<EvictionStrategy> strategy, StrategyCapacity capacity)
      : strategy_(std::move(strategy)), capacity_(capacity) {
    if (strategy_ == nullptr) {
      throw ConfigError("replay: there is no strategy; give a factory that makes one");
    }
    if (capacity_.amount == 0) {
      throw ConfigError("replay: the capacity is 0; give at least 1");
    }
    learn_strategy();
    strategy_->on_resize(capacity_);
  }

  /// Plays what follows each other while the memory that the requests ahead need is on its way:
  /// first their slots, and then, when those are there, their objects.
  template <class Requests>
  void play_all(const Requests& requests) {
    constexpr std::size_t kSlotsAhead = 24;
    constexpr std::size_t kObjectsAhead = 12;
    constexpr std::size_t kRing = 32;
    static_assert(kSlotsAhead < kRing);
    std::array<std::uint64_t, kRing> hashes{};
    const std::size_t count = requests.size();
    for (std::size_t i = 0; i < count + kSlotsAhead; ++i) {
      if (i < count) {
        const std::uint64_t hash = internal::hash_of_key(key_of(requests[i]));
        hashes[i % kRing] = hash;
        index_.prefetch(hash);
      }
      if (i >= kObjectsAhead && i - kObjectsAhead < count) {
        const std::uint64_t hash = hashes[(i - kObjectsAhead) % kRing];
        const std::uint32_t guess = index_.guess(hash);
        if (guess != 0) {
          __builtin_prefetch(&pool_[guess], 1);
        } else {
          strategy_->prefetch(hash);
        }
      }
      if (i >= kSlotsAhead) {
        play(request_of(requests[i - kSlotsAhead]), hashes[(i - kSlotsAhead) % kRing]);
      }
    }
  }

  bool play(const Request& request, std::uint64_t hash) {
    constexpr std::uint64_t kWeightMax = std::numeric_limits<std::uint32_t>::max();
    if (capacity_.in_weight && request.size > kWeightMax) {
      throw ConfigError("replay: key " + std::to_string(request.key) + " has the size " +
                        std::to_string(request.size) + ", over " + std::to_string(kWeightMax) +
                        "; give the capacity in objects, or divide all sizes");
    }
    const std::uint32_t found =
        index_.find(hash, [&](std::uint32_t object) { return pool_[object].key == request.key; });
    if (found != 0) {
      count(request);
      ++result_.hits;
      hit(pool_[found]);
      return true;
    }
    const std::uint64_t cost = capacity_.in_weight ? request.size : 1;
    const bool fits = cost <= capacity_.amount;
    // Whatever may fail comes first.
    if (fits && !index_.has_room()) {
      index_.reserve(std::max<std::uint64_t>(2 * index_.size(), 1'024));
    }
    const std::uint32_t taken = fits ? pool_.take() : 0;
    count(request);
    ++result_.misses;
    result_.missed_bytes += request.size;
    if (!fits) {
      ++result_.bypassed;
      return false;
    }
    Object& object = pool_[taken];
    fill(object, request, hash);
    strategy_->on_arrival(object);
    // Room is made before the newcomer is tracked: it must not be the victim of its own arrival.
    while (used_ > capacity_.amount - cost) evict();
    index_.insert(hash, taken);
    strategy_->on_insert(object);
    used_ += cost;
    return false;
  }

  void swap_strategy(std::unique_ptr<EvictionStrategy> successor) {
    if (successor == nullptr) {
      throw ConfigError("replay: there is no strategy to swap to; give one");
    }
    successor->on_resize(capacity_);
    std::vector<EntryNode*> order(index_.size());
    pass_on(*strategy_, *successor, order);
    strategy_ = std::move(successor);
    learn_strategy();
  }

  [[nodiscard]] const ReplayResult& result() const noexcept { return result_; }
  [[nodiscard]] bool holds(std::uint64_t key) const noexcept {
    const auto is_it = [&](std::uint32_t object) { return pool_[object].key == key; };
    return index_.find(internal::hash_of_key(key), is_it) != 0;
  }
  [[nodiscard]] std::uint64_t objects() const noexcept { return index_.size(); }
  [[nodiscard]] std::uint64_t used() const noexcept { return used_; }
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept { return pool_.memory_bytes(); }

 private:
  void learn_strategy() noexcept {
    tracking_ = strategy_->tracking();
    highest_mark_ = highest_mark_of(*strategy_);
  }

  void count(const Request& request) noexcept {
    ++result_.requests;
    result_.bytes += request.size;
  }

  void hit(Object& object) noexcept {
    // As in the cache: where a hit changes nothing for the strategy, it is not recorded.
    if (tracking_ == AccessTracking::none) return;
    if (tracking_ == AccessTracking::mark && object.mark >= highest_mark_) return;
    if (object.visits < EntryNode::kMaxVisits) ++object.visits;
    object.accessed_at = ++clock_;
    tell_hit(*strategy_, tracking_, object);
  }

  void fill(Object& object, const Request& request, std::uint64_t hash) {
    object.key = request.key;
    object.hash = hash;
    // In objects, weights do not count: one too large for a node is held at the largest.
    object.weight = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(request.size, std::numeric_limits<std::uint32_t>::max()));
    object.visits = 0;
    object.mark = 0;
    object.inserted_at = ++clock_;
    object.accessed_at = clock_;
    object.expires_at =
        request.ttl.count() <= 0
            ? kNever
            : deadline_after(nanoseconds_of(request.time),
                             nanoseconds_of(static_cast<std::uint64_t>(request.ttl.count())));
  }

  void evict() {
    EntryNode* const victim = strategy_->choose_victim();
    TARMAC_ASSERT(victim != nullptr);
    Object& object = static_cast<Object&>(*victim);
    used_ -= capacity_.cost(object);
    ++result_.evictions;
    strategy_->on_remove(object, RemovalCause::evicted);
    // Addresses are compared, so that the objects of other slots are not touched.
    pool_.give_back(
        index_.erase(object.hash, [&](std::uint32_t number) { return &pool_[number] == &object; }));
    // The next victims have not been touched for long. Of the nearest one, whose object came here
    // as the one after it the last time, the slot is fetched too.
    const EvictionStrategy::Outlook outlook = strategy_->outlook();
    if (outlook.next != nullptr) {
      index_.prefetch(outlook.next->hash);
      strategy_->prefetch(outlook.next->hash);
    }
    if (outlook.after != nullptr) __builtin_prefetch(outlook.after, 1);
  }

  // The strategy goes before the objects that it may point to.
  internal::ObjectPool pool_;
  internal::HashIndex index_;
  std::unique_ptr<EvictionStrategy> strategy_;
  StrategyCapacity capacity_;
  AccessTracking tracking_ = AccessTracking::ordered;
  std::uint8_t highest_mark_ = EntryNode::kMaxMark;
  std::uint64_t used_ = 0;
  std::uint32_t clock_ = 0;  // As in the cache, hits that are not recorded take no time.
  ReplayResult result_;
};

StrategyReplay::StrategyReplay(std::unique_ptr<EvictionStrategy> strategy,
                               StrategyCapacity capacity)
    : impl_(std::make_unique<Impl>(std::move(strategy), capacity)) {}
StrategyReplay::StrategyReplay(StrategyReplay&&) noexcept = default;
StrategyReplay& StrategyReplay::operator=(StrategyReplay&&) noexcept = default;
StrategyReplay::~StrategyReplay() = default;

bool StrategyReplay::play(const Request& request) {
  return impl_->play(request, internal::hash_of_key(request.key));
}
void StrategyReplay::play(std::span<const Request> requests) { impl_->play_all(requests); }
void StrategyReplay::play(std::span<const std::uint64_t> keys) { impl_->play_all(keys); }
void StrategyReplay::swap_strategy(std::unique_ptr<EvictionStrategy> successor) {
  impl_->swap_strategy(std::move(successor));
}
const ReplayResult& StrategyReplay::result() const noexcept { return impl_->result(); }
bool StrategyReplay::holds(std::uint64_t key) const noexcept { return impl_->holds(key); }
std::uint64_t StrategyReplay::objects() const noexcept { return impl_->objects(); }
std::uint64_t StrategyReplay::used() const noexcept { return impl_->used(); }
std::uint64_t StrategyReplay::memory_bytes() const noexcept { return impl_->memory_bytes(); }

ReplayResult replay(TraceReader& trace, const StrategyFactory& factory, StrategyCapacity capacity,
                    const ReplayReport& report) {
  StrategyReplay replay(factory(), capacity);
  Request request;
  while (trace.next(request)) {
    replay.play(request);
    report.at_interval(replay.result(), trace);
  }
  report.at_end(replay.result(), trace);
  return replay.result();
}

}  // namespace tarmac
