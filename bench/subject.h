// What is measured: a cache behind a few calls, the same for Tarmac, its peers and the bound.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tarmac::bench {

/// A cache to be measured. `Cache` has
///   Key, Value;
///   optional<Value> get(Wanted<Key>)         a copy
///   bool visit(Wanted<Key>, Function)        in place; false on a miss
///   void set(Wanted<Key>, Value)
///   size_t size()
/// and says what it can do: kEvicts, kUpdates (set() replaces), kThreads (the most that may use it
/// at once; the bound is only read by several).
template <class Cache>
struct Subject {
  std::string name;
  /// Strategies say how they track hits, for the report.
  std::string label;
  std::function<std::unique_ptr<Cache>(std::size_t capacity)> make;
};

/// A subject as main() sees it: its name, and how its cells are added to those that will run.
struct Entrant {
  std::string name;
  std::function<void()> add_ints;
  std::function<void()> add_texts;
  std::function<void()> add_memory;
  /// Throws unless the cache does what the workloads take for granted.
  std::function<void()> check;
};

// One file of subjects/ each.
void enter_bound(std::vector<Entrant>& entrants);
void enter_textbook(std::vector<Entrant>& entrants);
void enter_tarmac(std::vector<Entrant>& entrants);
void enter_poco(std::vector<Entrant>& entrants);
void enter_rocksdb(std::vector<Entrant>& entrants);
void enter_leveldb(std::vector<Entrant>& entrants);
void enter_onetbb(std::vector<Entrant>& entrants);

/// The bound's reads, beside those of another subject in the same process: what the ratios to the
/// bound are taken from.
void add_yardstick_ints();
void add_yardstick_texts();

}  // namespace tarmac::bench
