// Replays every reference trace at every size of the table, writes docs/agreement.md, and fails if
// a strategy is not within its level.
#include <cstdio>
#include <exception>
#include <fstream>

#include "agreement.h"
#include "reference_traces.h"

namespace tarmac::simulator_tests {
namespace {

int run(const char* page) {
  const auto folder = reference_folder();
  if (!folder) {
    std::printf("%s\n", kNoReferenceTraces);
    return 77;
  }
  const auto cells = compare(*folder, [](const std::string&) { return true; });
  int status = 0;
  for (const AgreementSummary& one : summarise(cells)) {
    const bool is_missing = one.missing > 0;
    std::printf("%-32s %-18.18s %-7s %3zu cells, %3zu equal, mean %.5f, largest %.5f, %s\n",
                std::string(one.rule->strategy).c_str(), one.simulator.c_str(),
                one.in_bytes ? "bytes" : "objects", one.cells, one.equal, one.mean, one.largest,
                is_missing ? "no such strategy yet" : (one.kept ? "kept" : "NOT KEPT"));
    if (!is_missing && !one.kept) status = 1;
  }
  std::ofstream out(page, std::ios::binary);
  out << agreement_page(cells);
  out.close();
  if (!out) {
    std::fprintf(stderr, "%s: cannot be written\n", page);
    return 2;
  }
  return status;
}

}  // namespace
}  // namespace tarmac::simulator_tests

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "Usage: agreement PAGE.md\n");
    return 2;
  }
  try {
    return tarmac::simulator_tests::run(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "agreement: %s\n", error.what());
    return 1;
  }
}
