#include "stops/stops.h"

#if defined(TARMAC_HAS_REDIS)
#include "lab/caches.h"
#include "lab/redis_process.h"
#include "lab/stopwatch.h"

#include <tarmac/core/error.h>
#include <tarmac/stores/tiered_cache.h>

#include <memory>
#endif

namespace tarmac::interview {
namespace {

#if defined(TARMAC_HAS_REDIS)

using std::chrono::milliseconds;
using Tiers = TieredCache<std::string>;

TieredOptions tier_options(const RedisProcess& server) {
  TieredOptions options;
  options.l1 = plain_options(1'000);
  options.l2.server.unix_socket = server.socket();
  options.l2.server.prefix = "interview:";
  options.l2.server.call_limit = milliseconds(300);
  options.l2.server.retry_initial = milliseconds(5);
  options.l2.server.retry_max = milliseconds(20);
  options.l2.heartbeat = milliseconds(50);
  options.l2.heartbeat_limit = milliseconds(300);
  return options;
}

/// Two caches with connections of their own, as two processes would have them.
struct Pair {
  explicit Pair(const RedisProcess& server) : a(tier_options(server)), b(tier_options(server)) {}

  [[nodiscard]] bool are_heard(bool heard) {
    return wait_for([&] { return a.stats().l2.heard == heard && b.stats().l2.heard == heard; });
  }

  Tiers a;
  Tiers b;
  int source_calls = 0;
};

std::string ask(Tiers& tiers, const std::string& key) {
  try {
    return tiers.get(key).value_or("nothing");
  } catch (const StoreError&) {
    return "an error: Redis does not answer";
  }
}

void share(Pair& pair, const Surroundings& surroundings, Findings& findings) {
  constexpr std::int64_t kSourceTime = 2'000'000;
  const auto source = [&] {
    ++pair.source_calls;
    take_time(kSourceTime);
    return std::string("alice");
  };
  const Stopwatch first;
  use(pair.a.get_or_load("user:1", source));
  const auto load = first.nanoseconds() / 1e3;
  use(pair.b.get_or_load("user:1", source));
  const auto hit =
      nanoseconds_each(surroundings.work(20'000), [&](std::size_t) { use(pair.b.get("user:1")); });
  const auto fetch = nanoseconds_each(surroundings.work(300), [&](std::size_t) {
    pair.b.l1().erase("user:1");
    use(pair.b.get("user:1"));
  });
  findings.add(Bars{"a value comes from",
                    "us",
                    {{"this process", hit / 1e3, fixed(hit / 1e3, 2)},
                     {"Redis", fetch / 1e3, fixed(fetch / 1e3, 0)},
                     {"the source", load, fixed(load, 0)}}});
  findings.facts["source_calls"] = pair.source_calls;
  findings.claim("what one process has loaded, the other need not: the source was asked once",
                 pair.source_calls == 1);
}

void agree(Pair& pair, Findings& findings) {
  const Stopwatch watch;
  pair.a.set("user:1", "bob");
  const bool heard = wait_for([&] { return ask(pair.b, "user:1") == "bob"; });
  findings.say("A writes: B returned the new value " + fixed(watch.milliseconds(), 2) +
               " ms after the call began, by Redis's word of the change.");
  findings.claim("B gives up what A has replaced", heard);
}

void part(Pair& pair, const RedisProcess& server, Findings& findings) {
  server.hold(true);
  const Stopwatch watch;
  const bool noticed = pair.are_heard(false);
  findings.say("Redis is stopped: after " + fixed(watch.milliseconds(), 0) +
               " ms both knew that they hear of no change any more (limit 300 ms).");
  const auto answer = ask(pair.b, "user:1");
  const auto loaded = pair.b.get_or_load("user:1", [] { return std::string("of the source"); });
  server.hold(false);
  const bool healed = pair.are_heard(true);
  findings.claim("cut off, B returns nothing that may be old, and still loads from the source",
                 noticed && answer.starts_with("an error") && loaded == "of the source");
  findings.claim("when Redis is back, both agree again",
                 healed && wait_for([&] { return ask(pair.a, "user:1") == "bob"; }) &&
                     wait_for([&] { return ask(pair.b, "user:1") == "bob"; }));
}

Findings share_and_part(const Surroundings& surroundings) {
  Findings findings;
  const RedisProcess server(surroundings.redis_server);
  if (!server.is_started()) {
    findings.lacking =
        "it needs a real redis-server, and there is none in PATH (package redis-server).";
    return findings;
  }
  Pair pair(server);
  if (!pair.are_heard(true)) {
    findings.lacking = "it needs a real redis-server, and the one in PATH did not answer.";
    return findings;
  }
  share(pair, surroundings, findings);
  agree(pair, findings);
  part(pair, server, findings);
  return findings;
}

#else

Findings share_and_part(const Surroundings&) {
  Findings findings;
  findings.lacking = "this program was built without Redis (TARMAC_WITH_REDIS).";
  return findings;
}

#endif

}  // namespace

Stop tiers_stop() {
  return {
      .name = "tiers",
      .chapter = Chapter::talking_points,
      .title = "Two tiers: invalidation, consistency, partition",
      .question =
          "Twenty servers, each with its own cache, over one Redis. One of them changes a value. "
          "What do the others return?",
      .experiment =
          "Starts a redis-server of its own; two caches share values through it, one writes, and "
          "then Redis is "
          "stopped and goes on.",
      .run = share_and_part,
      .answer = R"(
Without more: the old value until its TTL ends. Here each process has a connection on which Redis tells of every change below its
prefix (`CLIENT TRACKING` in broadcast mode), whoever made it: another process, expiry, `FLUSHALL`. Each word of a change is an `erase` of the
first tier, and an erase ends the load that is under way, so an answer that a change has overtaken reaches its caller and is not
kept.

How would one know that the channel is dead, and not merely quiet? A heartbeat: a `PING` on the same connection proves that all
before it has been heard. What is kept may be returned for `heartbeat_limit` after the last one was *sent*. So the promise is a
bound and no hope: no value that was replaced longer ago than that is returned, partition or not. Cut off, a process chooses
consistency: reads fail fast, `get_or_load` asks its source. Who prefers availability sets `serve_unheard`.)",
      .follow_ups = {{"Is it linearizable?",
                      "No. A process sees its own writes at once and those of others within the "
                      "bound, mostly within a millisecond; there is no one order of "
                      "changes of different keys for all."},
                     {"And partitioning, when one Redis is not enough?",
                      "A prefix to a server, or consistent hashing of keys over servers in front "
                      "of several tiers: each key then moves "
                      "only when its server goes. Redis Cluster does the dividing itself "
                      "(`cluster`): as tracking is per node, each primary gets a channel, and "
                      "what is kept counts only while all are heard."},
                     {"Why not a TTL of a second instead?",
                      "Simple, and a good answer if a second of staleness is fine: but then every "
                      "hot key is fetched each second by every process."},
                     {"Two processes load the same cold key at once?",
                      "Both may ask the source, but the value is added only if there is none: the "
                      "first one's is everybody's."}},
      .places = {{"stores/include/tarmac/stores/tiered_cache.h", "class TieredCache", "both tiers"},
                 {"stores/src/redis_tracker.cpp", "BCAST", "the channel"},
                 {"docs/tiers.md", "What is promised", "the bounds"},
                 {"demo/tiers/main.cpp", "survive_a_stop", "the same with three processes"}},
  };
}

}  // namespace tarmac::interview
