#include <tarmac/simulator/replay.h>

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <deque>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <tarmac/core/assert.h>
#include <tarmac/core/error.h>

namespace tarmac {
namespace {

/// Spreads the bits of keys, which in traces are often consecutive (the finaliser of splitmix64).
struct KeyHash {
  using is_avalanching = void;
  std::size_t operator()(std::uint64_t key) const noexcept {
    key = (key ^ (key >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
    key = (key ^ (key >> 27U)) * 0x94D0'49BB'1331'11EBU;
    return key ^ (key >> 31U);
  }
};

struct Object : EntryNode {
  std::uint64_t key = 0;
};

/// Objects at addresses that do not move, used again after an eviction.
class ObjectPool {
 public:
  Object& take() {
    if (free_.empty()) return objects_.emplace_back();
    Object& object = *free_.back();
    free_.pop_back();
    return object;
  }
  void give_back(Object& object) {
    object = Object{};
    free_.push_back(&object);
  }

 private:
  std::deque<Object> objects_;
  std::vector<Object*> free_;
};

std::int64_t nanoseconds_of(std::uint64_t seconds) {
  constexpr std::uint64_t kSecondsMax =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / 1'000'000'000U;
  if (seconds > kSecondsMax) return kNever - 1;
  return static_cast<std::int64_t>(seconds * 1'000'000'000U);
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
    tracking_ = strategy_->tracking();
    strategy_->on_resize(capacity_);
  }

  bool play(const Request& request) {
    constexpr std::uint64_t kWeightMax = std::numeric_limits<std::uint32_t>::max();
    if (capacity_.in_weight && request.size > kWeightMax) {
      throw ConfigError("replay: key " + std::to_string(request.key) + " has the size " +
                        std::to_string(request.size) + ", over " + std::to_string(kWeightMax) +
                        "; give the capacity in objects, or divide all sizes");
    }
    ++clock_;
    ++result_.requests;
    result_.bytes += request.size;
    const auto found = objects_.find(request.key);
    if (found != objects_.end()) {
      hit(*found->second);
      return true;
    }
    ++result_.misses;
    result_.missed_bytes += request.size;
    const std::uint64_t cost = capacity_.in_weight ? request.size : 1;
    if (cost > capacity_.amount) {
      ++result_.bypassed;
      return false;
    }
    // Room is made before the newcomer is tracked: it must not be the victim of its own arrival.
    Object& object = arrive(request);
    strategy_->on_arrival(object);
    while (used_ > capacity_.amount - cost) evict();
    insert(object, cost);
    return false;
  }

  [[nodiscard]] const ReplayResult& result() const noexcept { return result_; }
  [[nodiscard]] std::uint64_t objects() const noexcept { return objects_.size(); }
  [[nodiscard]] std::uint64_t used() const noexcept { return used_; }

 private:
  void hit(Object& object) {
    ++result_.hits;
    if (object.visits < EntryNode::kMaxVisits) ++object.visits;
    object.accessed_at = clock_;
    tell_hit(*strategy_, tracking_, object);
  }

  Object& arrive(const Request& request) {
    Object& object = pool_.take();
    object.key = request.key;
    object.hash = KeyHash{}(request.key);
    // In objects, weights do not count: one too large for a node is held at the largest.
    object.weight = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(request.size, std::numeric_limits<std::uint32_t>::max()));
    object.inserted_at = clock_;
    object.accessed_at = clock_;
    if (request.ttl.count() > 0) {
      object.expires_at =
          deadline_after(nanoseconds_of(request.time),
                         nanoseconds_of(static_cast<std::uint64_t>(request.ttl.count())));
    }
    return object;
  }

  void insert(Object& object, std::uint64_t cost) {
    objects_.emplace(object.key, &object);
    strategy_->on_insert(object);
    used_ += cost;
  }

  void evict() {
    EntryNode* const victim = strategy_->choose_victim();
    TARMAC_ASSERT(victim != nullptr);
    Object& object = static_cast<Object&>(*victim);
    used_ -= capacity_.cost(object);
    ++result_.evictions;
    objects_.erase(object.key);
    strategy_->on_remove(object, RemovalCause::evicted);
    pool_.give_back(object);
  }

  // The strategy goes before the objects that it may point to.
  ObjectPool pool_;
  boost::unordered_flat_map<std::uint64_t, Object*, KeyHash> objects_;
  std::unique_ptr<EvictionStrategy> strategy_;
  StrategyCapacity capacity_;
  AccessTracking tracking_ = AccessTracking::ordered;
  std::uint64_t used_ = 0;
  std::uint32_t clock_ = 0;
  ReplayResult result_;
};

StrategyReplay::StrategyReplay(std::unique_ptr<EvictionStrategy> strategy,
                               StrategyCapacity capacity)
    : impl_(std::make_unique<Impl>(std::move(strategy), capacity)) {}
StrategyReplay::StrategyReplay(StrategyReplay&&) noexcept = default;
StrategyReplay& StrategyReplay::operator=(StrategyReplay&&) noexcept = default;
StrategyReplay::~StrategyReplay() = default;

bool StrategyReplay::play(const Request& request) { return impl_->play(request); }
const ReplayResult& StrategyReplay::result() const noexcept { return impl_->result(); }
std::uint64_t StrategyReplay::objects() const noexcept { return impl_->objects(); }
std::uint64_t StrategyReplay::used() const noexcept { return impl_->used(); }

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
