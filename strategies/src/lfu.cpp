#include <tarmac/strategies/lfu.h>

#include "node_list.h"
#include "stable_order.h"

#include <algorithm>
#include <string>

namespace tarmac {
namespace {

using BucketIndex = std::uint32_t;
constexpr BucketIndex kNoBucket = std::numeric_limits<BucketIndex>::max();
constexpr std::uint64_t kMostBuckets = 65'536;
constexpr std::uint64_t kLongestPeriod = 1'000'000;

/// The entries of one count. They are neighbours in the strategy's list, so that the newest of them
/// and the bucket below say where they begin and end. Left uninitialised until it is taken: the
/// pool is reserved for the worst case, and what is never touched costs no physical memory.
struct Bucket {
  EntryNode* newest;
  std::uint64_t count;
  BucketIndex lower;
  BucketIndex higher;
};
static_assert(std::is_trivially_default_constructible_v<Bucket>);

/// Buckets in ascending order of count, from a pool that grows in reserve() only.
class BucketChain {
 public:
  [[nodiscard]] Bucket& operator[](BucketIndex index) noexcept { return pool_[index]; }
  [[nodiscard]] BucketIndex lowest() const noexcept { return lowest_; }
  [[nodiscard]] std::uint64_t free() const noexcept { return size_ - used_; }

  /// Never shrinks: buckets in use may be anywhere in the pool.
  void reserve(std::uint64_t buckets) {
    if (buckets <= size_) return;
    auto larger = std::make_unique_for_overwrite<Bucket[]>(buckets);
    std::copy_n(pool_.get(), fresh_, larger.get());
    pool_ = std::move(larger);
    size_ = buckets;
  }

  /// Takes a bucket and links it above `lower`, or as the lowest. Requires: free() > 0.
  BucketIndex take_above(BucketIndex lower, std::uint64_t count) noexcept {
    TARMAC_ASSERT(used_ < size_);
    const BucketIndex index = returned_ != kNoBucket ? returned_ : fresh_++;
    if (returned_ == index) returned_ = pool_[index].higher;
    ++used_;
    const BucketIndex higher = lower == kNoBucket ? lowest_ : pool_[lower].higher;
    pool_[index] = {.newest = nullptr, .count = count, .lower = lower, .higher = higher};
    if (higher != kNoBucket) pool_[higher].lower = index;
    (lower == kNoBucket ? lowest_ : pool_[lower].higher) = index;
    return index;
  }

  void give_back(BucketIndex index) noexcept {
    const Bucket bucket = pool_[index];
    if (bucket.higher != kNoBucket) pool_[bucket.higher].lower = bucket.lower;
    (bucket.lower == kNoBucket ? lowest_ : pool_[bucket.lower].higher) = bucket.higher;
    pool_[index].higher = returned_;
    returned_ = index;
    --used_;
  }

  void give_back_all() noexcept {
    lowest_ = kNoBucket;
    returned_ = kNoBucket;
    fresh_ = 0;
    used_ = 0;
  }

 private:
  std::unique_ptr<Bucket[]> pool_;
  std::uint64_t size_ = 0;
  std::uint64_t used_ = 0;
  BucketIndex lowest_ = kNoBucket;
  BucketIndex returned_ = kNoBucket;  // Given back, linked by `higher`.
  BucketIndex fresh_ = 0;             // From here on, never taken.
};

/// All entries stand in one list: by count and, within a count, by when they reached it, so that
/// the oldest is the victim. `scratch` of a node is the index of its bucket.
///
/// One bucket is always kept for count 1 (it exists, or one is free), so that a new entry never has
/// to join entries with more uses.
class Lfu final : public EvictionStrategy {
 public:
  explicit Lfu(const LfuOptions& options) : options_(options) { buckets_.reserve(kSmallestPool); }

  [[nodiscard]] std::string_view name() const noexcept override { return "lfu"; }

  void on_insert(EntryNode& node) noexcept override {
    BucketIndex lowest = buckets_.lowest();
    if (lowest == kNoBucket || buckets_[lowest].count != 1) {
      lowest = buckets_.take_above(kNoBucket, 1);
      line_.push_oldest(node);
    } else {
      line_.insert_after(*buckets_[lowest].newest, node);
    }
    join(lowest, node);
    ageing_due_ += options_.ageing_period;
    count_use();
  }

  void on_access(EntryNode& node) noexcept override {
    raise(node);
    count_use();
  }

  void on_update(EntryNode& node, std::uint32_t) noexcept override { on_access(node); }

  void on_remove(EntryNode& node, RemovalCause) noexcept override {
    leave(node);
    node.scratch = 0;
    ageing_due_ -= options_.ageing_period;
  }

  [[nodiscard]] EntryNode* choose_victim() noexcept override { return line_.oldest(); }
  [[nodiscard]] Outlook outlook() const noexcept override { return line_.outlook(); }

  void on_resize(const StrategyCapacity& capacity) override {
    // There are at most as many counts as entries. A capacity in weight does not bound the entries;
    // and where a cache bounds its shards together, one of them may hold more than its share.
    const bool bounded = !capacity.in_weight && capacity.amount < kMostBuckets;
    const std::uint64_t counts = bounded ? 2 * capacity.amount : kMostBuckets;
    buckets_.reserve(std::min(counts, kMostBuckets) + kSmallestPool);
  }

  void hand_over(std::span<EntryNode*> order) noexcept override {
    line_.hand_over(order);
    for (EntryNode* node : order) node->scratch = 0;
    buckets_.give_back_all();
    uses_ = 0;
    ageing_due_ = 0;
  }

  void take_over(std::span<EntryNode*> order) noexcept override {
    internal::sort_stably(order, [](const EntryNode& node) { return node.visits; });
    line_.take_over(order);
    BucketIndex bucket = kNoBucket;
    for (EntryNode* node : order) {
      const std::uint64_t count = node->visits + std::uint64_t{1};
      const bool another = bucket == kNoBucket || buckets_[bucket].count != count;
      if (another && buckets_.free() > 1) bucket = buckets_.take_above(bucket, count);
      join(bucket, *node);
    }
    ageing_due_ = order.size() * options_.ageing_period;
  }

 private:
  // Enough for a very small cache, of which one shard may hold everything.
  static constexpr std::uint64_t kSmallestPool = 64;

  [[nodiscard]] static BucketIndex bucket_of(const EntryNode& node) noexcept {
    return static_cast<BucketIndex>(node.scratch);
  }

  [[nodiscard]] bool is_oldest_of_its_count(const EntryNode& node) const noexcept {
    const EntryNode* const older = line_.older_than(node);
    return older == nullptr || bucket_of(*older) != bucket_of(node);
  }

  /// Makes `node`, which already has its place in the list, the newest of `bucket`.
  void join(BucketIndex bucket, EntryNode& node) noexcept {
    node.scratch = bucket;
    buckets_[bucket].newest = &node;
  }

  void leave(EntryNode& node) noexcept {
    const BucketIndex index = bucket_of(node);
    if (buckets_[index].newest == &node) {
      if (is_oldest_of_its_count(node)) {
        buckets_.give_back(index);
      } else {
        buckets_[index].newest = line_.older_than(node);
      }
    }
    line_.remove(node);
  }

  void raise(EntryNode& node) noexcept {
    const BucketIndex index = bucket_of(node);
    const Bucket bucket = buckets_[index];
    const bool alone = bucket.newest == &node && is_oldest_of_its_count(node);
    BucketIndex target = bucket.higher;
    if (target == kNoBucket || buckets_[target].count != bucket.count + 1) {
      if (alone) {
        // Its place among the others stays, so only the number changes; unless that would take the
        // last bucket from count 1.
        if (bucket.count > 1 || buckets_.free() > 0) buckets_[index].count = bucket.count + 1;
        return;
      }
      target = buckets_.free() > 1 ? buckets_.take_above(index, bucket.count + 1) : index;
    }
    EntryNode* place = buckets_[target].newest;
    if (place == nullptr) place = bucket.newest;  // A new bucket begins where the old one ends.
    TARMAC_ASSERT(place != nullptr);
    if (place != &node) {
      leave(node);
      line_.insert_after(*place, node);
    } else if (target != index) {
      leave_in_place(index, node);
    }
    join(target, node);
  }

  /// As leave(), for the newest of several: it stays where it is, at the start of the next count.
  void leave_in_place(BucketIndex index, const EntryNode& node) noexcept {
    buckets_[index].newest = line_.older_than(node);
  }

  void count_use() noexcept {
    if (!options_.ageing || ++uses_ < ageing_due_) return;
    uses_ = 0;
    halve_counts();
  }

  /// Two counts that become one keep their entries in line, the lower before the higher.
  void halve_counts() noexcept {
    BucketIndex below = kNoBucket;
    for (BucketIndex index = buckets_.lowest(); index != kNoBucket;) {
      const BucketIndex higher = buckets_[index].higher;
      const std::uint64_t halved = std::max<std::uint64_t>(1, buckets_[index].count / 2);
      if (below != kNoBucket && buckets_[below].count == halved) {
        merge_into(below, index);
      } else {
        buckets_[index].count = halved;
        below = index;
      }
      index = higher;
    }
  }

  void merge_into(BucketIndex below, BucketIndex index) noexcept {
    EntryNode* const newest = buckets_[index].newest;
    for (EntryNode* node = newest; node != nullptr && bucket_of(*node) == index;
         node = line_.older_than(*node)) {
      node->scratch = below;
    }
    buckets_[below].newest = newest;
    buckets_.give_back(index);
  }

  LfuOptions options_;
  internal::NodeList line_;
  BucketChain buckets_;
  std::uint64_t uses_ = 0;        // Since the last halving.
  std::uint64_t ageing_due_ = 0;  // How many uses bring the next: the period x tracked entries.
};

}  // namespace

std::unique_ptr<EvictionStrategy> make_lfu(const LfuOptions& options) {
  if (options.ageing_period < 1 || options.ageing_period > kLongestPeriod) {
    throw ConfigError("strategy \"lfu\": ageing_period must be from 1 to " +
                      std::to_string(kLongestPeriod) + " uses for each entry, not " +
                      std::to_string(options.ageing_period));
  }
  return std::make_unique<Lfu>(options);
}

}  // namespace tarmac
