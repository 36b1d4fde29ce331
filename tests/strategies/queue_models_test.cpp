// The strategies of several queues, request by request, against models of the papers.
#include <gtest/gtest.h>
#include <tarmac/strategies/arc.h>
#include <tarmac/strategies/clock.h>
#include <tarmac/strategies/gdsf.h>
#include <tarmac/strategies/s3fifo.h>
#include <tarmac/strategies/sieve.h>
#include <tarmac/strategies/slru.h>
#include <tarmac/strategies/two_q.h>
#include <tarmac/testing/strategy_replay.h>

#include <functional>
#include <random>
#include <vector>

#include "queue_models.h"

namespace tarmac {
namespace {

/// Favourites, scans and loops by turns, over about four times as many keys as fit.
std::vector<Key> traffic(std::uint64_t seed, std::size_t capacity) {
  std::mt19937_64 random(seed);
  std::vector<Key> keys;
  const std::uint64_t universe = 4 * capacity + 2;
  Key scan = 1'000'000;
  while (keys.size() < 3'000) {
    const std::uint64_t kind = random() % 4;
    const std::uint64_t length = 1 + random() % (2 * capacity + 4);
    for (std::uint64_t i = 0; i < length; ++i) {
      if (kind == 0) keys.push_back(scan++);
      if (kind == 1) keys.push_back(i % (capacity + 1 + capacity / 4));
      if (kind >= 2) keys.push_back(random() % (1 + random() % universe));
    }
  }
  return keys;
}

using MakeModel = std::function<std::unique_ptr<QueueModel>(std::size_t capacity)>;

void expect_same_hits(const StrategyFactory& make_strategy, const MakeModel& make_model,
                      const std::vector<std::size_t>& capacities) {
  for (const std::size_t capacity : capacities) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      testing::StrategyReplay cache(make_strategy(), capacity);
      const auto model = make_model(capacity);
      std::uint64_t number = 0;
      for (const Key key : traffic(seed, capacity)) {
        ASSERT_EQ(cache.request(key), model->request(key))
            << "request " << number << ", key " << key << ", capacity " << capacity << ", seed "
            << seed;
        ++number;
      }
    }
  }
}

const std::vector<std::size_t> kAnySizes = {1, 2, 3, 4, 7, 10, 19, 20, 33, 64, 100};
const std::vector<std::size_t> kMultiples = {20, 40, 100};

TEST(QueueModels, AgreeWithClock) {
  expect_same_hits([] { return make_clock(); }, [](auto c) { return clock_model(c, 1); },
                   kAnySizes);
  expect_same_hits([] { return make_clock({.bits = 2}); }, [](auto c) { return clock_model(c, 3); },
                   kAnySizes);
}

TEST(QueueModels, AgreeWithSieve) { expect_same_hits(make_sieve, sieve_model, kAnySizes); }

TEST(QueueModels, AgreeWithS3FifoOfAnyThreshold) {
  for (const int threshold : {1, 2, 3}) {
    S3FifoOptions options;
    options.threshold = static_cast<std::uint64_t>(threshold);
    expect_same_hits([options] { return make_s3fifo(options); },
                     [threshold](auto c) { return s3fifo_model(c, threshold); }, kAnySizes);
  }
}

TEST(QueueModels, AgreeWithSlruWhereSharesDivideTheCapacity) {
  expect_same_hits([] { return make_slru(); },
                   [](auto c) {
                     return slru_model({c / 4, c / 4, c / 4, c / 4});
                   },
                   kMultiples);
  expect_same_hits([] { return make_slru({.segments = "1:4"}); },
                   [](auto c) {
                     return slru_model({c / 5, c / 5 * 4});
                   },
                   kMultiples);
}

TEST(QueueModels, AgreeWithTwoQ) {
  expect_same_hits([] { return make_two_q(); }, two_q_model, kAnySizes);
}

TEST(QueueModels, AgreeWithArc) { expect_same_hits(make_arc, arc_model, kAnySizes); }

// Up to 63 uses a priority of the strategy is exact, and the keys of the traffic have fewer.
TEST(QueueModels, AgreeWithGdsf) { expect_same_hits(make_gdsf, gdsf_model, {33, 64, 100}); }

}  // namespace
}  // namespace tarmac
