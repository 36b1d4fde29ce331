#include "lab/caches.h"
#include "lab/stopwatch.h"
#include "stops/stops.h"

#include <tarmac/core/cache_registry.h>
#include <tarmac/core/error.h>

#include <array>
#include <set>
#include <thread>

namespace tarmac::interview {
namespace {

constexpr const char* kName = "interview.sessions";

/// What `work` throws, or nothing.
template <class Work>
std::string refusal_of(const Work& work) {
  try {
    work();
    return "";
  } catch (const UsageError& error) {
    return error.what();
  }
}

Findings share_one_cache(const Surroundings& surroundings) {
  auto& registry = CacheRegistry::instance();
  static_cast<void>(registry.remove(kName));  // Of an earlier visit to this stop.
  std::array<const void*, 8> seen{};
  {
    std::vector<std::jthread> threads;
    threads.reserve(seen.size());
    for (auto& one : seen) {
      threads.emplace_back([&] { one = &registry.get<std::string, std::string>(kName); });
    }
  }
  const std::set<const void*> distinct(seen.begin(), seen.end());
  auto& kept = registry.get<std::string, std::string>(kName);
  kept.set("alice", "logged in");
  const auto elsewhere = registry.get<std::string, std::string>(kName).get("alice");

  const auto rounds = surroundings.work(100'000);
  const auto by_name = nanoseconds_each(
      rounds, [&](std::size_t) { use(registry.get<std::string, std::string>(kName)); });
  const auto by_reference = nanoseconds_each(rounds, [&](std::size_t) { use(kept.get("alice")); });
  const auto types = refusal_of([&] { use(registry.get<std::uint64_t, std::uint64_t>(kName)); });
  const auto twice = refusal_of([&] {
    CacheOptions options;
    options.name = kName;
    use(registry.create<std::string, std::string>(std::move(options)));
  });
  static_cast<void>(registry.remove(kName));

  Findings findings;
  findings.facts["distinct"] = static_cast<double>(distinct.size());
  findings.add(Bars{"what",
                    "ns",
                    {{"registry look-up by name", by_name, fixed(by_name)},
                     {"get() of a cached key", by_reference, fixed(by_reference)}}});
  findings.say("Asked for with other types: " + types);
  findings.claim("8 threads asked at once, and there was one cache", distinct.size() == 1);
  findings.claim("what one part sets, another finds", elsewhere == "logged in");
  findings.claim("other types, and a second cache of the name, are refused",
                 !types.empty() && !twice.empty());
  return findings;
}

}  // namespace

Stop singleton_stop() {
  return {
      .name = "singleton",
      .chapter = Chapter::patterns,
      .title = "Singleton: the registry of caches",
      .question =
          "Parts of a program that do not know each other are to share a cache. Is a singleton the "
          "answer?",
      .experiment =
          "Eight threads ask the process-wide registry for a cache of one name at the same moment; "
          "then its "
          "look-up is timed.",
      .run = share_one_cache,
      .answer = R"(
A singleton for the *registry*, not for the cache. `CacheRegistry::instance()` is a function-local static, so it is made once
however many threads come first, and not before somebody asks. `CacheManager` itself is an ordinary class: a test makes its own,
two subsystems can have two, and nothing in the library asks the registry for anything.

A cache is found by name and by the types of key and value; a part that asks for other types gets a `UsageError` instead of
somebody else's bytes. The look-up takes a mutex and a search in a map: do it once, and keep the reference.)",
      .follow_ups = {{"Who destroys the caches?",
                      "The registry owns them until `remove()` or the end of the process. "
                      "`remove()` destroys outside the registry's "
                      "lock, since a destructor may flush to a slow store."},
                     {"What is wrong with a singleton cache?",
                      "Hidden dependency, shared state between tests, one set of options for all. "
                      "Passing a `CacheManager&` has none "
                      "of these, and is what most programs should do."},
                     {"And the order of initialisation?",
                      "The table of strategies is filled by including its catalog header, and "
                      "`instance()` by its first use; no "
                      "constructor of a global relies on another's."}},
      .places = {{"core/include/tarmac/core/cache_registry.h", "class CacheRegistry",
                  "create, get, remove"},
                 {"core/src/cache_registry.cpp", "CacheRegistry::instance", "the static"},
                 {"core/include/tarmac/core/part_registry.h", "class PartRegistry",
                  "the same idea for strategies, policies and stores"}},
  };
}

}  // namespace tarmac::interview
