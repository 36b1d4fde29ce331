// The workloads. A cell is one of them, on one subject, with one number of threads; its name is
// `workload/type/subject`.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "check.h"
#include "latency.h"
#include "memory.h"
#include "stand.h"

namespace tarmac::bench {

template <class Cache>
inline constexpr bool kOfInts = std::is_integral_v<typename Cache::Key>;

/// Where the cache holds a tenth of the keys, requests that come round are all hits.
template <class Cache>
bool has_come_round(benchmark::State& state, const Stand<Cache>& stand, Filling filling) {
  if (filling != Filling::tenth || stand.next <= stand.requests->size()) return false;
  state.SkipWithError("the list of requests has come round: fewer seconds, or requests");
  return true;
}

/// Runs `operation(cache, key, number)`, which tells whether it hit, on one request after the
/// other; several threads take them in turn.
template <class Cache, class Operation>
void serve(benchmark::State& state, const Subject<Cache>& subject, Filling filling,
           Operation operation) {
  auto& stand = current_stand(subject, filling);
  auto& cache = *stand.cache;
  const auto* wanted = stand.requests->data();
  const std::size_t mask = stand.requests->size() - 1;
  const auto threads = static_cast<std::size_t>(state.threads());
  const auto thread = static_cast<std::size_t>(state.thread_index());
  std::size_t next = stand.next + thread;
  std::size_t number = next;
  std::uint64_t hits = 0;
  for (auto _ : state) {
    hits += operation(cache, wanted[next & mask], number++) ? 1U : 0U;
    next += threads;
  }
  // All have read it: they begin together, and end together.
  if (thread == 0) {
    stand.next = next;
    if (has_come_round(state, stand, filling)) return;
  }
  state.SetItemsProcessed(state.iterations());
  state.SetLabel(subject.label);
  state.counters["hit_ratio"] =
      benchmark::Counter(static_cast<double>(hits) / static_cast<double>(state.iterations()),
                         benchmark::Counter::kAvgThreads);
}

template <class Cache>
void resident_get(benchmark::State& state, const Subject<Cache>& subject) {
  serve(state, subject, Filling::resident,
        [](Cache& cache, Wanted<typename Cache::Key> key, std::size_t) {
          return hit<Cache>(cache, key);
        });
}

template <class Cache>
void resident_visit(benchmark::State& state, const Subject<Cache>& subject) {
  serve(state, subject, Filling::resident,
        [](Cache& cache, Wanted<typename Cache::Key> key, std::size_t) {
          return cache.visit(key, [](const auto& value) {
            if constexpr (std::is_integral_v<typename Cache::Value>) {
              benchmark::DoNotOptimize(value);
            } else {  // Not only the address: both ends of the text are read.
              benchmark::DoNotOptimize(value.front() + value.back());
            }
          });
        });
}

/// Every thread asks for the same key: not the last one set, beside whose value `get` puts copies.
template <class Cache>
void hot_get(benchmark::State& state, const Subject<Cache>& subject) {
  const auto hot = key_of<typename Cache::Key>(sizes().entries / 2);
  serve(state, subject, Filling::resident,
        [&hot](Cache& cache, auto, std::size_t) { return hit<Cache>(cache, hot); });
}

/// One in `every` operations replaces a value.
template <class Cache>
void mix(benchmark::State& state, const Subject<Cache>& subject, std::size_t every) {
  serve(state, subject, Filling::resident,
        [every](Cache& cache, Wanted<typename Cache::Key> key, std::size_t number) {
          if (number % every != 0) return hit<Cache>(cache, key);
          replace(cache, key, value_of(key));
          return true;
        });
}

template <class Cache>
void get_or_insert(benchmark::State& state, const Subject<Cache>& subject) {
  serve(state, subject, Filling::tenth,
        [](Cache& cache, Wanted<typename Cache::Key> key, std::size_t) {
          return hit_or_insert(cache, key);
        });
}

/// Percentiles of get-or-insert, each request timed by itself.
template <class Cache>
void latency(benchmark::State& state, const Subject<Cache>& subject) {
  auto& stand = current_stand(subject, Filling::tenth);
  const std::size_t mask = stand.requests->size() - 1;
  Latencies latencies(sizes().timed_requests);
  for (auto _ : state) {
    latencies.time_each(
        [&] { hit_or_insert<Cache>(*stand.cache, (*stand.requests)[stand.next++ & mask]); });
  }
  if (has_come_round(state, stand, Filling::tenth)) return;
  state.SetLabel(subject.label);
  latencies.report(state);
}

/// Keys that were never there, into a cache that is full.
template <class Cache>
void insert_evicting(benchmark::State& state, const Subject<Cache>& subject) {
  auto& stand = current_stand(subject, Filling::tenth);
  for (auto _ : state) {
    const auto made = key_of<typename Cache::Key>(stand.unused_rank++);
    const Wanted<typename Cache::Key> key = made;
    stand.cache->set(key, value_of(key));
  }
  state.SetItemsProcessed(state.iterations());
  state.SetLabel(subject.label);
}

/// What the allocator hands out for a full cache of `entries`.
template <class Cache>
void memory(benchmark::State& state, const Subject<Cache>& subject, std::size_t entries) {
  leave_stand();
  for (auto _ : state) {
    const MemoryMeter meter;
    const auto cache = subject.make(entries);
    // A little more than fits, because shards do not fill evenly. The bound would keep it all.
    fill(*cache, Cache::kEvicts ? entries + entries / 8 : entries);
    meter.report(state, cache->size());
  }
  state.SetLabel(subject.label);
}

/// Adds cells to those that will run.
template <class Cache>
class Cells {
 public:
  template <class... Parameters>
  using Cell = void (*)(benchmark::State&, const Subject<Cache>&, Parameters...);

  explicit Cells(Subject<Cache> subject) : subject_(std::move(subject)) {}

  template <class... Parameters>
  void timed(const char* workload, int threads, Cell<Parameters...> cell,
             Parameters... parameters) {
    run(workload, threads, sizes().cell_seconds, cell, parameters...);
  }
  /// Ten times as long: what only reads may go on until each line of memory lies where use puts it.
  void lasting(const char* workload, int threads, Cell<> cell) {
    run(workload, threads, 10 * sizes().cell_seconds, cell);
  }
  template <class... Parameters>
  void once(const char* workload, Cell<Parameters...> cell, Parameters... parameters) {
    add(workload, cell, parameters...)->Iterations(1);
  }

 private:
  template <class... Parameters>
  void run(const char* workload, int threads, double seconds, Cell<Parameters...> cell,
           Parameters... parameters) {
    if (threads > Cache::kThreads) return;
    add(workload, cell, parameters...)->Threads(threads)->UseRealTime()->MinTime(seconds);
  }
  template <class... Parameters>
  benchmark::internal::Benchmark* add(const std::string& workload, Cell<Parameters...> cell,
                                      Parameters... parameters) {
    const char* type = kOfInts<Cache> ? "/ints/" : "/texts/";
    return benchmark::RegisterBenchmark(
        (workload + type + subject_.name).c_str(),
        [subject = subject_, cell, parameters...](benchmark::State& state) {
          cell(state, subject, parameters...);
        });
  }

  Subject<Cache> subject_;
};

/// All cells that a cache can take part in, in an order that fills it twice.
template <class Cache>
void add_cells(const Subject<Cache>& subject) {
  Cells<Cache> cells(subject);
  if constexpr (!kOfInts<Cache>) cells.lasting("resident_visit", 1, &resident_visit<Cache>);
  for (const int threads : {1, 2}) {
    cells.lasting("resident_get", threads, &resident_get<Cache>);
    cells.timed("hot_get", threads, &hot_get<Cache>);
    if constexpr (Cache::kUpdates && kOfInts<Cache>) {
      cells.timed("mix_95_5", threads, &mix<Cache>, std::size_t{20});
      cells.timed("mix_50_50", threads, &mix<Cache>, std::size_t{2});
    }
  }
  if constexpr (Cache::kEvicts) {
    cells.timed("get_or_insert", 1, &get_or_insert<Cache>);
    if constexpr (kOfInts<Cache>) {
      cells.timed("get_or_insert", 2, &get_or_insert<Cache>);
      cells.once("latency", &latency<Cache>);
      cells.timed("insert_evicting", 1, &insert_evicting<Cache>);
    }
  }
}

/// Memory for each entry. Apart from the others, because once is enough.
template <class Cache>
void add_memory_cells(const Subject<Cache>& subject) {
  Cells<Cache> cells(subject);
  cells.once("memory_1x", &memory<Cache>, sizes().entries);
  cells.once("memory_4x", &memory<Cache>, 4 * sizes().entries);
}

/// What a file of subjects/ enters: the same cache with both types.
template <class Ints, class Texts>
[[nodiscard]] Entrant entrant(const Subject<Ints>& ints, const Subject<Texts>& texts) {
  return {.name = ints.name,
          .add_ints = [ints] { add_cells(ints); },
          .add_texts = [texts] { add_cells(texts); },
          .add_memory = [ints] { add_memory_cells(ints); },
          .check =
              [ints, texts] {
                check(ints);
                check(texts);
              }};
}

/// The same for a cache that is made from its capacity and nothing else.
template <template <class, class> class Cache>
[[nodiscard]] Entrant entrant(const std::string& name) {
  using Ints = Cache<std::uint64_t, std::uint64_t>;
  using Texts = Cache<std::string, std::string>;
  return entrant(
      Subject<Ints>{name, "", [](std::size_t n) { return std::make_unique<Ints>(n); }},
      Subject<Texts>{name, "", [](std::size_t n) { return std::make_unique<Texts>(n); }});
}

}  // namespace tarmac::bench
