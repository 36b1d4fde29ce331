// Each strategy against a slow and obvious model, on random sequences of events.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <tarmac/strategies/fifo.h>
#include <tarmac/strategies/lfu.h>
#include <tarmac/strategies/lru.h>
#include <tarmac/strategies/ttl.h>

#include <algorithm>
#include <functional>
#include <list>
#include <map>
#include <tuple>
#include <vector>

namespace tarmac {
namespace {

struct Item {
  int key;
  std::uint64_t count;
  SteadyNanos expires_at;
};

/// A list in the order of eviction. What a strategy is, is where an item goes when it comes in and
/// when it is used.
class Oracle {
 public:
  virtual ~Oracle() = default;
  virtual void insert(Item item) = 0;
  virtual void use(std::list<Item>::iterator item, SteadyNanos new_deadline) = 0;

  std::list<Item> items;

 protected:
  template <class Before>
  void insert_sorted(const Item& item, Before before) {
    items.insert(std::upper_bound(items.begin(), items.end(), item, before), item);
  }
};

class LruOracle final : public Oracle {
 public:
  void insert(Item item) override { items.push_back(item); }
  void use(std::list<Item>::iterator item, SteadyNanos) override {
    items.splice(items.end(), items, item);
  }
};

class FifoOracle final : public Oracle {
 public:
  void insert(Item item) override { items.push_back(item); }
  void use(std::list<Item>::iterator, SteadyNanos) override {}
};

class LfuOracle final : public Oracle {
 public:
  /// A period of 0 is no ageing.
  explicit LfuOracle(std::uint64_t period) : period_(period) {}

  void insert(Item item) override {
    item.count = 1;
    insert_sorted(item, fewer);
    age();
  }
  void use(std::list<Item>::iterator item, SteadyNanos) override {
    Item used = *item;
    ++used.count;
    items.erase(item);
    insert_sorted(used, fewer);
    age();
  }

 private:
  static bool fewer(const Item& a, const Item& b) { return a.count < b.count; }

  void age() {
    if (period_ == 0 || ++uses_ < period_ * items.size()) return;
    uses_ = 0;
    for (Item& item : items) item.count = std::max<std::uint64_t>(1, item.count / 2);
  }

  std::uint64_t period_;
  std::uint64_t uses_ = 0;
};

class TtlOracle final : public Oracle {
 public:
  void insert(Item item) override { insert_sorted(item, sooner); }
  void use(std::list<Item>::iterator item, SteadyNanos new_deadline) override {
    const bool still_lasting = item->expires_at == kNever && new_deadline == kNever;
    const bool still_dated = item->expires_at != kNever && new_deadline != kNever;
    item->expires_at = new_deadline;
    const bool in_place = std::is_sorted(items.begin(), items.end(), sooner);
    if (in_place && (still_lasting || still_dated)) return;
    const Item moved = *item;
    items.erase(item);
    insert(moved);
  }

 private:
  static bool sooner(const Item& a, const Item& b) { return a.expires_at < b.expires_at; }
};

/// What to do, to which key, and with which deadline.
using Event = std::tuple<std::uint8_t, std::uint8_t, std::uint8_t>;

void expect_same_victims(EvictionStrategy& strategy, Oracle& oracle,
                         const std::vector<Event>& events) {
  constexpr std::uint8_t kKeys = 24;
  std::map<int, EntryNode> nodes;
  strategy.on_resize({.amount = kKeys});
  for (const auto& [kind, key_bits, deadline] : events) {
    const int key = key_bits % kKeys;
    const SteadyNanos expires_at = deadline % 4 == 0 ? kNever : deadline % 16;
    const auto item = std::ranges::find(oracle.items, key, &Item::key);
    const auto node = nodes.find(key);
    if (node == nodes.end()) {
      nodes[key].expires_at = expires_at;
      strategy.on_insert(nodes[key]);
      oracle.insert({key, 0, expires_at});
    } else if (kind % 8 < 6) {
      node->second.expires_at = expires_at;
      oracle.use(item, expires_at);
      kind % 8 < 2 ? strategy.on_update(node->second, 1) : strategy.on_access(node->second);
    } else {
      strategy.on_remove(node->second, RemovalCause::erased);
      nodes.erase(node);
      oracle.items.erase(item);
    }
    EntryNode* const victim = strategy.choose_victim();
    RC_ASSERT((victim == nullptr) == oracle.items.empty());
    if (victim != nullptr) RC_ASSERT(victim == &nodes.at(oracle.items.front().key));
  }
  for (const Item& item : oracle.items) {  // To the last: the whole order is the same.
    EntryNode* const victim = strategy.choose_victim();
    RC_ASSERT(victim == &nodes.at(item.key));
    strategy.on_remove(*victim, RemovalCause::evicted);
  }
}

bool same_victims(const StrategyFactory& make_strategy,
                  const std::function<std::unique_ptr<Oracle>()>& make_oracle) {
  return rc::check([&] {
    const auto events = *rc::gen::resize(400, rc::gen::arbitrary<std::vector<Event>>());
    expect_same_victims(*make_strategy(), *make_oracle(), events);
  });
}

TEST(Oracle, AgreesWithLru) {
  EXPECT_TRUE(same_victims(make_lru, [] { return std::make_unique<LruOracle>(); }));
}

TEST(Oracle, AgreesWithFifo) {
  EXPECT_TRUE(same_victims(make_fifo, [] { return std::make_unique<FifoOracle>(); }));
}

TEST(Oracle, AgreesWithTtl) {
  EXPECT_TRUE(same_victims(make_ttl, [] { return std::make_unique<TtlOracle>(); }));
}

TEST(Oracle, AgreesWithLfuWithoutAgeing) {
  EXPECT_TRUE(same_victims([] { return make_lfu({.ageing = false}); },
                           [] { return std::make_unique<LfuOracle>(0); }));
}

TEST(Oracle, AgreesWithLfuOfAnyPeriod) {
  for (const std::uint64_t period : {1U, 2U, 3U, 10U}) {
    EXPECT_TRUE(
        same_victims([period] { return make_lfu({.ageing = true, .ageing_period = period}); },
                     [period] { return std::make_unique<LfuOracle>(period); }))
        << "period " << period;
  }
}

}  // namespace
}  // namespace tarmac
