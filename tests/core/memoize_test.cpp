// memoize(): functions of every kind, called once for equal arguments.
#include <gtest/gtest.h>
#include <tarmac/core/memoize.h>
#include <tarmac/strategies/catalog.h>

#include <array>
#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "core_rig.h"

namespace tarmac {
namespace memoize_tests {

inline int box_calls = 0;

struct Box {
  int width = 0;
  int height = 0;
  [[nodiscard]] int area(int scale) const noexcept {
    ++box_calls;
    return width * height * scale;
  }
};

}  // namespace memoize_tests

template <>
struct KeyParts<memoize_tests::Box> {
  static constexpr std::string_view kName = "Box";
  static auto of(const memoize_tests::Box& box) { return std::tie(box.width, box.height); }
};

namespace memoize_tests {
namespace {

using IntCache = CacheManager<std::string, int>;

int called = 0;
int length(const std::string& text, int times) {
  ++called;
  return static_cast<int>(text.size()) * times;
}
const int& shared_number(int which) {
  static const std::array<int, 3> numbers{7, 8, 9};
  return numbers.at(static_cast<std::size_t>(which));
}

class Memoize : public ::testing::Test {
 protected:
  IntCache cache_{core_tests::quiet_options(nullptr)};
};

TEST_F(Memoize, CallsAFreeFunctionOnceForEqualArguments) {  // trap H8
  called = 0;
  const auto fast = memoize(cache_, "length", length);
  static_assert(std::is_invocable_r_v<int, decltype(fast), const std::string&, int>);
  EXPECT_EQ(fast("abc", 2), 6);
  EXPECT_EQ(fast("abc", 2), 6);
  EXPECT_EQ(called, 1);
  EXPECT_EQ(fast("abc", 3), 9);
  EXPECT_EQ(called, 2);
  EXPECT_TRUE(cache_.erase(fast.key("abc", 2)));
  EXPECT_EQ(fast("abc", 2), 6);
  EXPECT_EQ(called, 3);
}

TEST_F(Memoize, TakesArgumentsAsTheFunctionDoes) {
  int calls = 0;
  const auto half = memoize(cache_, "half", [&calls](double x) {
    ++calls;
    return static_cast<int>(x / 2);
  });
  EXPECT_EQ(half(4), 2);  // An int becomes the double that the function takes.
  EXPECT_EQ(half(4.0), 2);
  EXPECT_EQ(half(short{4}), 2);
  EXPECT_EQ(calls, 1);
}

TEST_F(Memoize, PutsTheObjectOfAMemberFunctionFirst) {  // trap H8
  box_calls = 0;
  const auto area = memoize(cache_, "area", &Box::area);
  EXPECT_EQ(area(Box{2, 3}, 10), 60);
  EXPECT_EQ(area(Box{2, 3}, 10), 60);
  EXPECT_EQ(area(Box{3, 3}, 10), 90);
  EXPECT_EQ(box_calls, 2);
}

TEST_F(Memoize, GivesARecursiveFunctionItself) {  // trap H8
  int calls = 0;
  const auto fib = memoize<int(int)>(cache_, "fib", [&calls](const auto& self, int n) -> int {
    ++calls;
    return n < 2 ? n : self(n - 1) + self(n - 2);
  });
  EXPECT_EQ(fib(40), 102'334'155);
  EXPECT_EQ(calls, 41);
  const auto typed =
      memoize<int(int)>(cache_, "factorial", [](const std::function<int(int)>& self, int n) -> int {
        return n < 2 ? 1 : n * self(n - 1);
      });
  EXPECT_EQ(typed(10), 3'628'800);
}

TEST_F(Memoize, RefusesARecursionThatHasNoEnd) {  // trap A7
  const auto endless =
      memoize<int(int)>(cache_, "endless", [](const auto& self, int n) -> int { return self(n); });
  EXPECT_THROW(static_cast<void>(endless(1)), UsageError);
}

TEST_F(Memoize, TellsFunctionsApartByTheirNames) {  // trap H2
  const auto twice = memoize(cache_, "twice", [](int n) { return 2 * n; });
  const auto thrice = memoize(cache_, "thrice", [](int n) { return 3 * n; });
  EXPECT_EQ(twice(5), 10);
  EXPECT_EQ(thrice(5), 15);
}

TEST_F(Memoize, PassesExceptionsThroughAndForgetsThem) {  // trap H8
  bool works = false;
  const auto flaky = memoize(cache_, "flaky", [&works](int n) {
    if (!works) throw std::runtime_error("not now");
    return n;
  });
  EXPECT_THROW(static_cast<void>(flaky(1)), std::runtime_error);
  works = true;
  EXPECT_EQ(flaky(1), 1);
}

TEST_F(Memoize, KeepsACopyOfWhatIsReturnedByReference) {  // trap H8
  const auto number = memoize(cache_, "number", shared_number);
  static_assert(std::is_same_v<decltype(number(1)), int>);
  EXPECT_EQ(number(1), 8);
  EXPECT_EQ(number(1), 8);
}

TEST_F(Memoize, LetsEachCallSayHowItsResultIsKept) {
  const auto clock = std::make_shared<core_tests::ManualClock>();
  IntCache cache(core_tests::quiet_options(clock));
  const auto kept = memoize(cache, "kept", [](int n) {
    return Loaded<int>{n, {.ttl = std::chrono::seconds(n), .weight = 5}};
  });
  EXPECT_EQ(kept(3), 3);
  EXPECT_EQ(cache.inspect(kept.key(3))->remaining_ttl, std::chrono::seconds(3));
  EXPECT_EQ(cache.inspect(kept.key(3))->weight, 5U);
}

TEST_F(Memoize, DoesNotKeepNothing) {
  int calls = 0;
  const auto even = memoize(cache_, "even", [&calls](int n) -> std::optional<int> {
    ++calls;
    return n % 2 == 0 ? std::optional<int>(n) : std::nullopt;
  });
  EXPECT_EQ(even(1), std::nullopt);
  EXPECT_EQ(even(1), std::nullopt);
  EXPECT_EQ(even(2), std::optional<int>(2));
  EXPECT_EQ(even(2), std::optional<int>(2));
  EXPECT_EQ(calls, 3);
}

TEST_F(Memoize, MovesAnArgumentOnlyIntoTheFunction) {
  const auto size = memoize(cache_, "size", [](std::string text) {
    text += '!';
    return static_cast<int>(text.size());
  });
  EXPECT_EQ(size("abc"), 4);
  EXPECT_EQ(cache_.get(make_key("size", "abc")), 4);
}

TEST_F(Memoize, RemembersExceptionsIfAsked) {  // trap H8
  int calls = 0;
  const auto fails = [&calls](int) -> int {
    ++calls;
    throw std::runtime_error("never");
  };
  const auto fast = memoize(cache_, "fails", fails, {.error_ttl = std::chrono::hours(1)});
  EXPECT_THROW(static_cast<void>(fast(1)), std::runtime_error);
  EXPECT_THROW(static_cast<void>(fast(1)), std::runtime_error);
  EXPECT_EQ(calls, 1);
}

TEST_F(Memoize, CountsEachFunctionByItsName) {
  const auto clock = std::make_shared<core_tests::ManualClock>();
  IntCache cache(core_tests::quiet_options(clock));
  const auto slow = memoize(cache, "slow", [&clock](int n) {
    clock->advance(std::chrono::milliseconds(20));
    if (n < 0) throw std::runtime_error("negative");
    return n;
  });
  const auto again = memoize(cache, "slow", [](int n) { return n; });
  const auto other = memoize(cache, "other", [](int n) { return n; });
  for (const int n : {1, 1, 2}) static_cast<void>(slow(n));
  EXPECT_THROW(static_cast<void>(slow(-1)), std::runtime_error);
  static_cast<void>(again(1));
  const auto read = cache.functions().read();
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].name, "other");
  EXPECT_EQ(read[0].hits + read[0].misses, 0U);
  EXPECT_EQ(read[1].name, "slow");
  EXPECT_EQ(read[1].hits, 2U);
  EXPECT_EQ(read[1].misses, 3U);
  EXPECT_EQ(read[1].durations.count(), 3U);
  EXPECT_DOUBLE_EQ(read[1].durations.sum_seconds, 0.06);
  static_cast<void>(other);
}

TEST_F(Memoize, GivesAnExecutorArgumentsOfItsOwn) {
  const auto clock = std::make_shared<core_tests::ManualClock>();
  IntCache cache(core_tests::quiet_options(clock));
  std::vector<std::function<void()>> tasks;
  LoadOptions options;
  options.refresh_after = std::chrono::seconds(1);
  options.executor = [&tasks](std::function<void()> task) { tasks.push_back(std::move(task)); };
  int calls = 0;
  const auto fast = memoize(
      cache, "length",
      [&calls](const std::string& text) { return ++calls + static_cast<int>(text.size()); },
      options);
  const std::string long_key(100, 'x');
  EXPECT_EQ(fast(long_key), 101);
  clock->advance(std::chrono::seconds(1));
  EXPECT_EQ(fast(std::string(long_key)), 101);  // The argument is gone before the task runs.
  ASSERT_EQ(tasks.size(), 1U);
  tasks.front()();
  EXPECT_EQ(fast(long_key), 102);
}

TEST_F(Memoize, CallsTheFunctionOnceHoweverManyThreadsAsk) {
  constexpr std::uint64_t kThreads = 8;
  std::atomic<int> calls{0};
  std::latch go_on(1);
  const auto slow = memoize(cache_, "slow", [&](int n) {
    ++calls;
    go_on.wait();
    return n;
  });
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (std::uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] { EXPECT_EQ(slow(1), 1); });
  }
  while (cache_.stats().coalesced_loads < kThreads - 1) std::this_thread::yield();
  go_on.count_down();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace memoize_tests
}  // namespace tarmac
