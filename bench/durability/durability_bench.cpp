// What durable mode costs: acknowledged writes a second, coming back, reads beside it.
//
// Usage: durability_bench CELL FOLDER SECONDS ENTRIES     prints JSON; bench/report.py makes tables
//        durability_bench --list                          the cells of this build
#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <string_view>

#include "durability/cells.h"

namespace tarmac::bench {
namespace {

using Cell = Findings (*)(const Ground&);

const std::map<std::string_view, Cell>& cells() {
  static const std::map<std::string_view, Cell> table = {
      {"bare", append_barely},
      {"always_1", write_alone},
      {"always_8", write_by_8},
      {"always_32", write_by_32},
      {"batches", write_batches},
      {"interval", write_in_intervals},
      {"leave_files", leave_files},
      {"recover_log", recover_log},
      {"read_log", read_log},
      {"load_snapshot", load_snapshot},
      {"get_beside_snapshot", get_beside_snapshot},
      {"get_durable", get_of_a_durable_cache},
#ifdef TARMAC_BENCH_PEERS
      {"rocksdb_1", rocksdb_alone},
      {"rocksdb_8", rocksdb_by_8},
#endif
  };
  return table;
}

int list() {
  for (const auto& [name, cell] : cells()) std::printf("%s\n", std::string(name).c_str());
  return 0;
}

int measure(const std::string& name, const Ground& ground) {
  const auto found = cells().find(name);
  if (found == cells().end()) {
    std::fprintf(stderr, "durability_bench: there is no cell \"%s\"\n", name.c_str());
    return 2;
  }
  std::printf("{");
  const char* comma = "";
  for (const auto& [what, number] : found->second(ground)) {
    std::printf("%s\"%s\": %.6g", comma, what.c_str(), number);
    comma = ", ";
  }
  std::printf("}\n");
  return 0;
}

}  // namespace
}  // namespace tarmac::bench

int main(int argc, char** argv) {
  using namespace tarmac::bench;
  try {
    if (argc == 2 && std::string_view(argv[1]) == "--list") return list();
    if (argc == 5) return measure(argv[1], {argv[2], std::stod(argv[3]), std::stoull(argv[4])});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "durability_bench: %s\n", error.what());
    return 1;
  }
  std::fprintf(stderr, "Usage: durability_bench CELL FOLDER SECONDS ENTRIES\n");
  return 2;
}
