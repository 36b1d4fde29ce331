#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/core/cache_options.h>
#include <tarmac/core/entry_state.h>
#include <tarmac/core/error.h>
#include <tarmac/core/event.h>

#include <functional>
#include <string>

namespace tarmac {
namespace {

using std::chrono::nanoseconds;

struct BadOption {
  std::string name;
  std::function<void(CacheOptions&)> spoil;
  std::string message;
};

class BadOptions : public ::testing::TestWithParam<BadOption> {};

TEST_P(BadOptions, AreRefusedWithTheReason) {
  CacheOptions options;
  options.name = "c";
  EXPECT_NO_THROW(options.validate());
  GetParam().spoil(options);
  try {
    options.validate();
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_EQ(std::string(error.what()), GetParam().message);
  }
}

const std::string kBadName = "a cache's name must be 1 to 64 characters of [a-zA-Z0-9_.-]";

INSTANTIATE_TEST_SUITE_P(
    Each, BadOptions,
    ::testing::Values(
        BadOption{"no_name", [](auto& o) { o.name = ""; }, kBadName},
        BadOption{"long_name", [](auto& o) { o.name = std::string(65, 'a'); }, kBadName},
        BadOption{"strange_name", [](auto& o) { o.name = "a b"; }, kBadName},
        BadOption{"slash", [](auto& o) { o.name = "a/b"; }, kBadName},
        BadOption{"dots", [](auto& o) { o.name = ".."; }, kBadName},
        BadOption{"no_entries", [](auto& o) { o.max_entries = 0; },
                  "cache \"c\": max_entries must be at least 1; leave it out for no bound"},
        BadOption{"no_bytes", [](auto& o) { o.max_bytes = 0; },
                  "cache \"c\": max_bytes must be at least 1; leave it out for no bound"},
        BadOption{"zero_ttl", [](auto& o) { o.default_ttl = nanoseconds(0); },
                  "cache \"c\": default_ttl must be longer than zero; leave it out for none"},
        BadOption{"negative_ttl", [](auto& o) { o.default_ttl = nanoseconds(-1); },
                  "cache \"c\": default_ttl must be longer than zero; leave it out for none"},
        BadOption{"zero_idle", [](auto& o) { o.expire_after_access = nanoseconds(0); },
                  "cache \"c\": expire_after_access must be longer than zero; leave it out for "
                  "none"},
        BadOption{"negative_jitter", [](auto& o) { o.ttl_jitter = nanoseconds(-1); },
                  "cache \"c\": ttl_jitter must not be negative"},
        BadOption{"no_interval", [](auto& o) { o.sweep_interval = nanoseconds(0); },
                  "cache \"c\": sweep_interval must be longer than zero"},
        BadOption{"odd_shards", [](auto& o) { o.shards = 3; },
                  "cache \"c\": shards must be a power of two from 1 to 1024"},
        BadOption{"no_shards", [](auto& o) { o.shards = 0; },
                  "cache \"c\": shards must be a power of two from 1 to 1024"},
        BadOption{"many_shards", [](auto& o) { o.shards = 2048; },
                  "cache \"c\": shards must be a power of two from 1 to 1024"}),
    [](const auto& row) { return row.param.name; });

TEST(CacheOptions, AcceptTheEdgesOfWhatIsAllowed) {
  CacheOptions options;
  options.name = std::string(64, 'Z');
  options.max_entries = 1;
  options.max_bytes = 1;
  options.default_ttl = nanoseconds::max();
  options.expire_after_access = nanoseconds(1);
  options.ttl_jitter = nanoseconds::max();
  options.shards = 1024;
  EXPECT_NO_THROW(options.validate());
  options.max_entries = std::nullopt;
  options.max_bytes = std::nullopt;
  EXPECT_NO_THROW(options.validate());
}

TEST(EntryStates, AllowExactlyTheTransitionsOfTheDiagram) {
  using S = EntryState;
  const auto all = {S::clean, S::dirty, S::flushing, S::expired, S::evicted};
  for (const S to : all) {
    EXPECT_EQ(is_allowed(S::clean, to), to != S::flushing) << to_string(to);
    EXPECT_TRUE(is_allowed(S::dirty, to)) << to_string(to);
    EXPECT_TRUE(is_allowed(S::flushing, to)) << to_string(to);
    EXPECT_EQ(is_allowed(S::expired, to), to == S::evicted) << to_string(to);
    EXPECT_FALSE(is_allowed(S::evicted, to)) << to_string(to);
  }
}

TEST(EntryStatesDeathTest, ATransitionOutsideTheDiagramEndsTheProcess) {
#ifdef TARMAC_NO_ASSERT
  GTEST_SKIP() << "assertions are switched off";
#endif
  LifeCycle life;
  life.move_to(EntryState::evicted);
  EXPECT_DEATH(life.move_to(EntryState::clean), "broken invariant");
}

TEST(EventTypes, EachHasANameThatLeadsBackToIt) {
  for (const EventType type : all_event_types()) EXPECT_EQ(event_type_from(to_string(type)), type);
  EXPECT_EQ(event_type_from("entry_lost"), std::nullopt);
}

TEST(Clock, SaturatesInsteadOfOverflowing) {  // trap B7
  EXPECT_EQ(deadline_after(5, std::numeric_limits<std::int64_t>::max()), kNever - 1);
  EXPECT_EQ(deadline_after(kNever - 2, 1), kNever - 1);
  EXPECT_EQ(deadline_after(5, -7), -2);
  EXPECT_EQ(saturated_nanoseconds(std::chrono::hours::max()),
            std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(saturated_nanoseconds(std::chrono::hours::min()),
            -std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(saturated_nanoseconds(std::chrono::milliseconds(3)), 3'000'000);
}

}  // namespace
}  // namespace tarmac
