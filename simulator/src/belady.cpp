#include <tarmac/simulator/belady.h>

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <bit>
#include <limits>

#include <tarmac/core/assert.h>
#include <tarmac/core/error.h>

#include "object_pool.h"

namespace tarmac {
namespace {

/// A set of numbers below a limit. A bit of each level tells whether a word of the level below has
/// any bit, so that each operation looks at one word of a level.
class NumberSet {
 public:
  explicit NumberSet(std::size_t limit) {
    for (std::size_t words = limit;;) {
      words = (words + 63) / 64;
      levels_.emplace_back(std::max<std::size_t>(words, 1), 0);
      if (words <= 1) break;
    }
  }

  void insert(std::uint32_t number) noexcept {
    for (auto& level : levels_) {
      std::uint64_t& word = level[number / 64];
      const bool was_empty = word == 0;
      word |= std::uint64_t{1} << (number % 64);
      if (!was_empty) return;
      number /= 64;
    }
  }
  /// Whether it was in.
  bool erase(std::uint32_t number) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << (number % 64);
    if ((levels_[0][number / 64] & bit) == 0) return false;
    for (auto& level : levels_) {
      std::uint64_t& word = level[number / 64];
      word &= ~(std::uint64_t{1} << (number % 64));
      if (word != 0) break;
      number /= 64;
    }
    return true;
  }
  /// Requires: not empty.
  [[nodiscard]] std::uint32_t largest() const noexcept {
    std::uint32_t number = 0;
    for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
      const std::uint64_t word = (*level)[number];
      TARMAC_ASSERT(word != 0);
      number = number * 64 + 63 - static_cast<std::uint32_t>(std::countl_zero(word));
    }
    return number;
  }

 private:
  std::vector<std::vector<std::uint64_t>> levels_;
};

struct NumberHash {
  using is_avalanching = void;
  std::size_t operator()(std::uint32_t number) const noexcept {
    return internal::hash_of_key(number);
  }
};

}  // namespace

// An object that is held is known by the number of its next request: that request hits if and only
// if its own number is in the set. Objects without a next request are as good as gone, so they are
// not kept account of: what they take is there for whoever comes.
class BeladyReplay::Impl {
 public:
  Impl(const NextAccesses& next, StrategyCapacity capacity)
      : next_(next), capacity_(capacity), held_(next.of_request.size()) {
    if (capacity_.amount == 0) throw ConfigError("belady: the capacity is 0; give at least 1");
  }

  void play(const Request& request) {
    if (result_.requests >= next_.of_request.size()) {
      throw ConfigError(
          "belady: there are more requests than were read before; play the same trace");
    }
    const auto now = static_cast<std::uint32_t>(result_.requests);
    const std::uint32_t next = next_.of_request[now];
    ++result_.requests;
    result_.bytes += request.size;
    if (held_.erase(now)) {
      ++result_.hits;
      const std::uint64_t cost = forget_cost(now);
      used_ -= cost;
      hold(next, cost);
      return;
    }
    ++result_.misses;
    result_.missed_bytes += request.size;
    const std::uint64_t cost = capacity_.in_weight ? request.size : 1;
    if (cost > capacity_.amount) {
      ++result_.bypassed;
      return;
    }
    while (used_ > capacity_.amount - cost) {
      const std::uint32_t farthest = held_.largest();
      held_.erase(farthest);
      used_ -= forget_cost(farthest);
    }
    hold(next, cost);
  }

  [[nodiscard]] const ReplayResult& result() const noexcept { return result_; }

 private:
  void hold(std::uint32_t next, std::uint64_t cost) {
    if (next == NextAccesses::kNever) return;
    if (capacity_.in_weight) costs_.emplace(next, cost);
    held_.insert(next);
    used_ += cost;
  }
  std::uint64_t forget_cost(std::uint32_t number) {
    if (!capacity_.in_weight) return 1;
    const auto found = costs_.find(number);
    const std::uint64_t cost = found->second;
    costs_.erase(found);
    return cost;
  }

  const NextAccesses& next_;
  StrategyCapacity capacity_;
  NumberSet held_;
  boost::unordered_flat_map<std::uint32_t, std::uint64_t, NumberHash> costs_;
  std::uint64_t used_ = 0;
  ReplayResult result_;
};

BeladyReplay::BeladyReplay(const NextAccesses& next, StrategyCapacity capacity)
    : impl_(std::make_unique<Impl>(next, capacity)) {}
BeladyReplay::BeladyReplay(BeladyReplay&&) noexcept = default;
BeladyReplay& BeladyReplay::operator=(BeladyReplay&&) noexcept = default;
BeladyReplay::~BeladyReplay() = default;

void BeladyReplay::play(std::span<const Request> requests) {
  for (const Request& request : requests) impl_->play(request);
}
const ReplayResult& BeladyReplay::result() const noexcept { return impl_->result(); }

}  // namespace tarmac
