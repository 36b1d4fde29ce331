// What each feature adds to a hit, and what a snapshot does to the slowest reads. Each cell
// measures without and with its feature in turn, on the same cache.
#include <benchmark/benchmark.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/policies/none.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/stores/memory_store.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "features/alternate.h"
#include "features/scraper.h"
#ifdef TARMAC_BENCH_TIERS
#include "features/tiers.h"
#endif
#include "keys.h"
#include "latency.h"
#include "strategies.h"

namespace tarmac::bench {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using Cache = CacheManager<std::uint64_t, std::uint64_t>;

/// A full cache, and who reads it.
class Resident {
 public:
  explicit Resident(const std::string& strategy, const SetOptions& each = {})
      : requests_(requests<std::uint64_t>(sizes().entries)), cache_(options(strategy)) {
    set_all(each);
    for (std::size_t i = requests_to_settle(); i > 0; --i) {
      auto value = cache_.get(next_key());
      benchmark::DoNotOptimize(value);
    }
  }

  [[nodiscard]] Cache& cache() { return cache_; }
  [[nodiscard]] std::uint64_t next_key() { return requests_[next_++ & (requests_.size() - 1)]; }

  double hits(std::chrono::nanoseconds time) {
    return nanoseconds_each(time, [this] {
      auto value = cache_.get(next_key());
      benchmark::DoNotOptimize(value);
    });
  }
  double sets(std::chrono::nanoseconds time) {
    return nanoseconds_each(time, [this] {
      const auto key = next_key();
      cache_.set(key, key);
    });
  }

 private:
  void set_all(const SetOptions& options) {
    for (std::uint64_t rank = sizes().entries; rank-- > 0;) {
      const auto key = key_of<std::uint64_t>(rank);
      cache_.set(key, key, options);
    }
  }
  static CacheOptions options(const std::string& strategy) {
    CacheOptions options;
    options.name = "measured";
    options.eviction = strategy;
    options.max_entries = sizes().entries + sizes().entries / 4;
    return options;
  }

  const std::vector<std::uint64_t>& requests_;
  std::size_t next_ = 0;
  Cache cache_;
};

/// One cache for the cells that follow each other on the same strategy.
Resident& resident(const std::string& strategy) {
  static std::string name;
  static std::unique_ptr<Resident> made;
  if (name != strategy) {
    made.reset();
    made = std::make_unique<Resident>(strategy);
    name = strategy;
  }
  return *made;
}

Alternation::Plan plan(std::chrono::nanoseconds phase, int pairs) {
  // The cells are planned for the usual length; a short round shortens them all.
  const double share = sizes().cell_seconds / Sizes{}.cell_seconds;
  return {std::chrono::nanoseconds(
              static_cast<std::int64_t>(static_cast<double>(phase.count()) * share)),
          pairs};
}

void run_hits(benchmark::State& state, const std::string& strategy, const Alternation::Plan& plan,
              const Alternation::Sides& sides) {
  auto& reader = resident(strategy);
  while (state.KeepRunning()) {
    Alternation(plan, sides, [&reader](auto time) { return reader.hits(time); }).report(state);
  }
}

void slot(benchmark::State& state, const std::string& strategy, EventType type) {
  auto& cache = resident(strategy).cache();
  std::atomic<std::uint64_t> seen{0};
  EventConnection connection;
  run_hits(state, strategy, plan(15ms, 15),
           {.without = [&connection] { connection.disconnect(); },
            .with =
                [&] {
                  connection = cache.events().connect(type, [&seen](const Event&) {
                    seen.fetch_add(1, std::memory_order_relaxed);
                  });
                }});
}

void slot_on_evictions(benchmark::State& state, const std::string& strategy) {
  slot(state, strategy, EventType::entry_evicted);
}
void slot_on_hits(benchmark::State& state, const std::string& strategy) {
  slot(state, strategy, EventType::entry_get_hit);
}

/// In a cache of its own: an entry that once had a deadline is not as one that never had.
void ttl_on_every_entry(benchmark::State& state, const std::string& strategy) {
  auto& plain = resident(strategy);
  Resident timed(strategy, {.ttl = 3600s});
  Resident* reader = &plain;
  const Alternation::Sides sides{.without = [&] { reader = &plain; },
                                 .with = [&] { reader = &timed; }};
  while (state.KeepRunning()) {
    Alternation(plan(60ms, 5), sides, [&reader](auto time) {
      return reader->hits(time);
    }).report(state);
  }
}

void report_scrapes(benchmark::State& state, const Scraper& scraper) {
  state.counters["scrapes"] = static_cast<double>(scraper.scrapes());
  if (scraper.failures() > 0) state.SkipWithError("the endpoint did not answer");
}

/// A phase lasts as long as it takes to be scraped once.
void exporter_scraped(benchmark::State& state, const std::string& strategy) {
  Scraper scraper(Scraper::By::http);
  auto& cache = resident(strategy).cache();
  run_hits(state, strategy, plan(1s, 2),
           {.without = [&scraper] { scraper.stop(); },
            .with = [&scraper, &cache] { scraper.start(cache); }});
  report_scrapes(state, scraper);
}

/// Trap L4: a scrape that took a lock of the cache, or looked at its entries, would show here.
void scraped_in_a_loop(benchmark::State& state, const std::string& strategy) {
  Scraper scraper(Scraper::By::render);
  auto& cache = resident(strategy).cache();
  run_hits(state, strategy, plan(50ms, 9),
           {.without = [&scraper] { scraper.stop(); },
            .with = [&scraper, &cache] { scraper.start(cache); }});
  report_scrapes(state, scraper);
}

/// The control: the same work on the other core, for a cache that nobody reads. What this adds, the
/// machine adds, not the scrape.
void other_cache_scraped_in_a_loop(benchmark::State& state, const std::string& strategy) {
  CacheOptions options;
  options.name = "other";
  options.max_entries = 16;
  Cache other(options);
  Scraper scraper(Scraper::By::render);
  run_hits(state, strategy, plan(50ms, 9),
           {.without = [&scraper] { scraper.stop(); },
            .with = [&scraper, &other] { scraper.start(other); }});
}

/// A set() whose write goes to a store later, against one that goes nowhere.
void write_back_on_set(benchmark::State& state, const std::string& strategy) {
  auto& writer = resident(strategy);
  const Alternation::Sides sides{
      .without = [&writer] { writer.cache().set_write_policy(no_write_policy()); },
      .with = [&writer] { writer.cache().set_write_policy(write_back(make_memory_store())); }};
  while (state.KeepRunning()) {
    Alternation(plan(30ms, 3), sides, [&writer](auto time) {
      return writer.sets(time);
    }).report(state);
  }
}

/// Percentiles of get() while nothing else happens, and while a snapshot is taken.
void snapshot(benchmark::State& state, const std::string& strategy) {
  auto& reader = resident(strategy);
  const auto get = [&reader] {
    auto value = reader.cache().get(reader.next_key());
    benchmark::DoNotOptimize(value);
  };
  while (state.KeepRunning()) {
    Latencies quiet(sizes().timed_requests);
    quiet.time_each(get);
    Latencies during(sizes().timed_requests);
    std::atomic<bool> taking{true};
    std::thread taker([&reader, &taking] {
      const auto taken = reader.cache().take_snapshot();
      taking = false;
    });
    during.time_each_while([&taking] { return taking.load(std::memory_order_relaxed); }, get);
    taker.join();
    state.counters["quiet_p99_9"] = quiet.percentile(0.999);
    state.counters["during_p99_9"] = during.percentile(0.999);
    state.counters["requests_during"] = static_cast<double>(during.requests());
  }
}

/// The first strategy of the catalogue for each way to learn of hits: they differ in what a hit
/// costs, and the features do not know the strategies apart in anything else.
std::vector<std::pair<std::string, std::string>> strategies() {
  std::vector<std::pair<std::string, std::string>> chosen{{"lru", "ordered"}};
  for (const std::string wanted : {"none", "mark"}) {
    for (const auto& row : catalog()) {
      if (tracking_of(row) != wanted) continue;
      chosen.emplace_back(row.name, wanted);
      break;
    }
  }
  return chosen;
}

using Cell = void (*)(benchmark::State&, const std::string&);
constexpr std::pair<const char*, Cell> kCells[] = {
    {"exporter_scraped", &exporter_scraped},
    {"slot_on_evictions", &slot_on_evictions},
    {"slot_on_hits", &slot_on_hits},
    {"ttl_on_every_entry", &ttl_on_every_entry},
    {"scraped_in_a_loop", &scraped_in_a_loop},
    {"other_cache_scraped_in_a_loop", &other_cache_scraped_in_a_loop},
    {"snapshot", &snapshot},
    {"write_back_on_set", &write_back_on_set},
};

void add_cells() {
  for (const auto& [strategy, tracking] : strategies()) {
    for (const auto& [name, cell] : kCells) {
      benchmark::RegisterBenchmark(
          (std::string(name) + "/ints/tarmac:" + strategy).c_str(),
          [cell = cell, strategy = strategy, tracking = tracking](benchmark::State& state) {
            state.SetLabel(tracking);
            cell(state, strategy);
          })
          ->Iterations(1);
    }
  }
}

#ifdef TARMAC_BENCH_TIERS
void add_tier_cells() {
  if (!tiers_can_be_measured()) return;
  // As many as the other cells have, and so few that nothing hides what the second tier costs.
  const auto add = [](const char* name, std::size_t entries) {
    benchmark::RegisterBenchmark((std::string(name) + "/texts/tarmac:lru").c_str(),
                                 [entries](benchmark::State& state) {
                                   state.SetLabel("ordered");
                                   tier_hit(state, entries);
                                 })
        ->Iterations(1);
  };
  add("tier_hit", sizes().entries);
  add("tier_hit_of_few", std::min<std::size_t>(sizes().entries, 1'000));
}
#endif

/// Takes the options that are ours out of the list.
void take_sizes(int& argc, char** argv) {
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument(argv[i]);
    if (argument.starts_with("--entries=")) {
      sizes().entries = std::stoul(std::string(argument.substr(10)));
    } else if (argument.starts_with("--seconds=")) {
      sizes().cell_seconds = std::stod(std::string(argument.substr(10)));
    } else if (argument.starts_with("--timed=")) {
      sizes().timed_requests = std::stoul(std::string(argument.substr(8)));
    } else {
      argv[kept++] = argv[i];
    }
  }
  argc = kept;
}

}  // namespace
}  // namespace tarmac::bench

int main(int argc, char** argv) {
  try {
    tarmac::bench::take_sizes(argc, argv);
    tarmac::bench::add_cells();
#ifdef TARMAC_BENCH_TIERS
    tarmac::bench::add_tier_cells();
#endif
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return EXIT_FAILURE;
    benchmark::RunSpecifiedBenchmarks();
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::cerr << "feature_bench: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
