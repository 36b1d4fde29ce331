#include <gmock/gmock.h>
#include <tarmac/core/clock.h>
#include <tarmac/policies/dead_letters.h>
#include <tarmac/stores/file_store.h>
#ifdef TARMAC_HAS_SQLITE
#include <tarmac/stores/sqlite_store.h>
#endif

#include "write_rig.h"
#ifdef TARMAC_HAS_REDIS
#include <tarmac/stores/redis_store.h>

#include "redis_server.h"
#endif

namespace tarmac::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Write = WriteTest;

std::string stored(BackingStore& store, std::string_view key) {
  const auto found = store.load(key, system_clock()->wall_now());
  return found ? found->bytes : "(none)";
}

TEST_F(Write, KeepsStringsAsTheyAreAndTheRestAsItWasWritten) {
  const auto done = write(input_of(file_backend(), R"({"key":"text","value":"two\nlines \u00e9"},
    {"key":"number","value":1.10}, {"key":"large","value":123456789012345678901234567890},
    {"key":"nothing","value":null}, {"key":"yes","value":true}, {"key":"empty","value":""},
    {"key":"list","value":[ 1, -2, {"a\"b": [ ]} ]}, {"key":"lives","value":1,"ttl":"2h"})"),
                          {"--verify"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.err, IsEmpty()) << "no progress bar into a pipe";
  const auto store = make_file_store({.path = in_folder("values.json")});
  EXPECT_EQ(stored(*store, "text"), "two\nlines \u00e9");
  EXPECT_EQ(stored(*store, "number"), "1.10");
  EXPECT_EQ(stored(*store, "large"), "123456789012345678901234567890");
  EXPECT_EQ(stored(*store, "nothing"), "null");
  EXPECT_EQ(stored(*store, "yes"), "true");
  EXPECT_EQ(stored(*store, "empty"), "");
  EXPECT_EQ(stored(*store, "list"), R"([1,-2,{"a\"b":[]}])");
  const auto lives = store->load("lives", system_clock()->wall_now());
  ASSERT_TRUE(lives && lives->expires_at);
  const auto left = std::chrono::nanoseconds(*lives->expires_at - system_clock()->wall_now());
  EXPECT_GT(left, std::chrono::minutes(60));
  EXPECT_LE(left, std::chrono::minutes(120));
  EXPECT_FALSE(store->load("text", 0)->expires_at);
}

TEST_F(Write, ReportsEachBackend) {
  const auto done =
      write(input_of(R"({"type":"memory","name":"first"},)" + file_backend(), many(2'500)));
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("2500 records"));
  const auto all = summary();
  EXPECT_EQ(all.at("ok"), true);
  EXPECT_EQ(all.at("records"), 2'500);
  EXPECT_EQ(all.at("verified"), false);
  for (const auto* name : {"first", "file"}) {
    const auto one = backend(name);
    EXPECT_EQ(one.at("written"), 2'500);
    EXPECT_EQ(one.at("failed"), 0);
    EXPECT_EQ(one.at("size"), 2'500);
    EXPECT_EQ(one.at("hits"), 1'250) << "every second of them, for a sample of about a thousand";
    EXPECT_EQ(one.at("misses"), 0);
    EXPECT_EQ(one.at("different"), 0);
    EXPECT_GE(one.at("seconds"), 0.0);
    EXPECT_EQ(one.at("error"), nullptr);
  }
  EXPECT_EQ(backend("first").at("type"), "memory");
}

TEST_F(Write, IsTheLaterWriterWhenItRunsAgain) {
  ASSERT_EQ(write(input_of(file_backend(), R"({"key":"a","value":"old"})")).status, 0);
  ASSERT_EQ(write(input_of(file_backend(), R"({"key":"a","value":"new"})")).status, 0);
  EXPECT_EQ(stored(*make_file_store({.path = in_folder("values.json")}), "a"), "new");
}

TEST_F(Write, GoesOnWithTheOthersWhenABackendFails) {
  overwrite_file(in_folder("foreign.json"), "this is no store");
  const auto done = write(input_of(R"({"type":"file","name":"broken","path":")" +
                                       in_folder("foreign.json") + "\"}," + file_backend(),
                                   many(3'000)),
                          {"--verify"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("backend broken: store file "));
  EXPECT_EQ(summary().at("ok"), false);
  EXPECT_EQ(backend("broken").at("ok"), false);
  EXPECT_EQ(backend("broken").at("written"), 0);
  EXPECT_EQ(backend("broken").at("failed"), 3'000);
  EXPECT_EQ(backend("broken").at("misses"), 3'000);
  EXPECT_EQ(backend("broken").at("size"), nullptr);
  EXPECT_EQ(backend("file").at("ok"), true);
  EXPECT_EQ(backend("file").at("hits"), 3'000);
  EXPECT_EQ(bytes_of_file(in_folder("foreign.json")), "this is no store");
}

TEST_F(Write, FailsWhereTheDiskIsFull) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full here";
  overwrite_file(in_folder("input.json"), input_of(R"({"type":"memory"})", many(1)));
  const auto done = run({"write", "--input", in_folder("input.json"), "--output", "/dev/full"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("/dev/full: could not be written"));
}

TEST_F(Write, ReplaysDeadLettersIntoOneBackend) {
  const DeadLetter letter{write_of("k", "v", 7), "it was down"};
  append_dead_letters(in_folder("letters.jsonl"), {&letter, 1});
  const std::vector<std::string> replay{"--replay", in_folder("letters.jsonl")};
  const auto refused = write(input_of(file_backend(), many(1)), replay);
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("has 1 backends and 1 records"));
  const auto done = write(input_of(file_backend(), ""), replay);
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("1 replayed, 0 left"));
  EXPECT_EQ(summary().at("replayed"), 1);
  EXPECT_EQ(stored(*make_file_store({.path = in_folder("values.json")}), "k"), "v");
  EXPECT_FALSE(std::filesystem::exists(in_folder("letters.jsonl")));
  EXPECT_EQ(write(input_of(file_backend(), ""), replay).status, 2) << "it is gone";
}

TEST_F(Write, LeavesDamagedLettersWhereTheyAre) {
  overwrite_file(in_folder("letters.jsonl"), "no letter\n");
  const auto done = write(input_of(file_backend(), ""), {"--replay", in_folder("letters.jsonl")});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("line 1 is damaged"));
  EXPECT_EQ(summary().at("left"), 1);
  EXPECT_EQ(bytes_of_file(in_folder("letters.jsonl")), "no letter\n");
}

#ifdef TARMAC_HAS_SQLITE
TEST_F(Write, FillsADatabase) {
  const auto done = write(input_of(sqlite_backend(), many(2'001)), {"--verify"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(backend("sqlite").at("hits"), 2'001);
  const auto store = make_sqlite_store({.path = in_folder("values.db")});
  EXPECT_EQ(store->size(), 2'001U);
  EXPECT_EQ(stored(*store, "k2000"), R"({"number":2000})");
}
#endif

#ifdef TARMAC_HAS_REDIS
std::string redis_backend(const RedisServer& server) {
  return R"({"type":"redis","unix_socket":")" + server.socket().string() +
         R"(","prefix":"w:","call_limit":"30s"})";
}

TEST_F(Write, FillsARedisServer) {
  const RedisServer server;
  const auto done = write(input_of(redis_backend(server), many(2'001)), {"--verify"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(backend("redis").at("hits"), 2'001);
  EXPECT_EQ(backend("redis").at("size"), 2'001);
  EXPECT_EQ(server.ask({"DBSIZE"}), "2001");
  RedisStoreOptions options;
  options.unix_socket = server.socket();
  options.prefix = "w:";
  const auto store = make_redis_store(options);
  EXPECT_EQ(stored(*store, "k2000"), R"({"number":2000})");
}

// Goal: a backend that gives out midway is reported as far as it came, and costs the others
// nothing. Method: a server that has room for a part of the records.
TEST_F(Write, CountsWhatAServerOutOfMemoryRefused) {
  const RedisServer server({"--maxmemory", "3mb", "--maxmemory-policy", "noeviction"});
  const auto done =
      write(input_of(redis_backend(server) + "," + file_backend(), many(40'000)), {"--verify"});
  EXPECT_EQ(done.status, 1);
  const auto redis = backend("redis");
  EXPECT_GT(redis.at("written"), 0);
  EXPECT_GT(redis.at("failed"), 0);
  EXPECT_EQ(redis.at("written").get<int>() + redis.at("failed").get<int>(), 40'000);
  EXPECT_EQ(redis.at("hits"), redis.at("written"));
  EXPECT_EQ(redis.at("misses"), redis.at("failed"));
  EXPECT_EQ(redis.at("size"), redis.at("written"));
  EXPECT_THAT(redis.at("error").get<std::string>(), HasSubstr("OOM"));
  EXPECT_EQ(backend("file").at("hits"), 40'000);
}

TEST_F(Write, NamesNoPasswordThatAServerRefuses) {
  const RedisServer server({"--requirepass", "right-canary"});
  overwrite_file(in_folder("password"), "wrong-canary\n");
  const auto done = write(input_of(R"({"type":"redis","unix_socket":")" + server.socket().string() +
                                       R"(","password_file":")" + in_folder("password") + "\"}",
                                   many(1)));
  EXPECT_EQ(done.status, 1);
  const auto all = done.out + done.err + bytes_of_file(summary_path());
  EXPECT_THAT(all, HasSubstr("refuses the password"));
  EXPECT_THAT(all, ::testing::Not(HasSubstr("canary")));
}
#endif

}  // namespace
}  // namespace tarmac::cli
