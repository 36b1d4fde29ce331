// The cells of every subject. Without --subject all of them run, one subject after the other; the
// report runs each subject in a process of its own, so that none inherits another's heap.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "stand.h"
#include "subject.h"

namespace tarmac::bench {
namespace {

constexpr std::string_view kUsage =
    "Usage: cache_bench [--list | --check] [--subject=NAME] [--memory] [--entries=N] "
    "[--seconds=S]\n"
    "                   [--timed=N] [options of Google Benchmark]\n";

struct Wishes {
  bool list = false;
  bool check = false;
  bool memory = false;
  std::string subject;
};

std::vector<Entrant> entrants() {
  std::vector<Entrant> all;
  enter_bound(all);
  enter_tarmac(all);
  enter_textbook(all);
#ifdef TARMAC_BENCH_PEERS
  enter_rocksdb(all);
  enter_leveldb(all);
  enter_onetbb(all);
  enter_poco(all);
#endif
  return all;
}

/// Takes one option of ours; false for one that is not.
bool take(std::string_view argument, Wishes& wishes) {
  const auto equals = argument.find('=');
  const auto name = argument.substr(0, equals);
  const std::string value(equals == std::string_view::npos ? "" : argument.substr(equals + 1));
  if (name == "--list") {
    wishes.list = true;
  } else if (name == "--check") {
    wishes.check = true;
  } else if (name == "--memory") {
    wishes.memory = true;
  } else if (name == "--subject") {
    wishes.subject = value;
  } else if (name == "--entries") {
    sizes().entries = std::stoul(value);
  } else if (name == "--seconds") {
    sizes().cell_seconds = std::stod(value);
  } else if (name == "--timed") {
    sizes().timed_requests = std::stoul(value);
  } else {
    return false;
  }
  return true;
}

void add(const Entrant& entrant, bool memory) {
  if (memory) {
    entrant.add_memory();
    return;
  }
  const bool is_bound = entrant.name == "bound";
  if (!is_bound) add_yardstick_ints();
  entrant.add_ints();
  if (!is_bound) add_yardstick_texts();
  entrant.add_texts();
}

int run(int argc, char** argv) {
  Wishes wishes;
  std::vector<char*> others{argv[0]};
  for (int i = 1; i < argc; ++i) {
    if (!take(argv[i], wishes)) others.push_back(argv[i]);
  }
  int count = static_cast<int>(others.size());
  others.push_back(nullptr);
  benchmark::Initialize(&count, others.data());
  if (benchmark::ReportUnrecognizedArguments(count, others.data()) || sizes().entries < 16) {
    std::cerr << kUsage;
    return EXIT_FAILURE;
  }

  bool found = false;
  for (const auto& entrant : entrants()) {
    if (!wishes.subject.empty() && wishes.subject != entrant.name) continue;
    found = true;
    if (wishes.list || wishes.check) {
      if (wishes.check) entrant.check();
      std::cout << entrant.name << '\n';
    } else {
      add(entrant, wishes.memory);
    }
  }
  if (!found) {
    std::cerr << "cache_bench: there is no subject \"" << wishes.subject << "\"; see --list\n";
    return EXIT_FAILURE;
  }
  if (!wishes.list && !wishes.check) benchmark::RunSpecifiedBenchmarks();
  leave_stand();
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace tarmac::bench

int main(int argc, char** argv) {
  try {
    return tarmac::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "cache_bench: " << error.what() << '\n' << tarmac::bench::kUsage;
    return EXIT_FAILURE;
  }
}
