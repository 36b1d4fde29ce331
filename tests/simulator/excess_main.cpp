// Replays `rhythm` in every cell of the table, and writes docs/rhythm-cells.md.
#include <cstdio>
#include <exception>
#include <fstream>

#include "excess.h"
#include "reference_traces.h"

namespace tarmac::simulator_tests {
namespace {

int run(const std::string& strategy, const char* page) {
  const auto folder = reference_folder();
  if (!folder) {
    std::printf("%s\n", kNoReferenceTraces);
    return 77;
  }
  const auto cells = excess_over_best(*folder, strategy, [](const std::string&) { return true; });
  const ExcessSummary summary = summarise(cells);
  std::printf("%s: %zu cells, mean %.4f, worst %.4f; over fifo %.4f; over gdsf %.4f\n",
              strategy.c_str(), summary.cells, summary.mean, summary.worst, summary.worst_over_fifo,
              summary.worst_over_gdsf);
  std::ofstream out(page, std::ios::binary);
  out << excess_page(strategy, cells);
  out.close();
  if (!out) {
    std::fprintf(stderr, "%s: cannot be written\n", page);
    return 2;
  }
  const bool kept =
      summary.mean <= 0.02 && summary.worst_over_fifo <= 0.01 && summary.worst_over_gdsf <= 0.01;
  return kept ? 0 : 1;
}

}  // namespace
}  // namespace tarmac::simulator_tests

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "Usage: excess STRATEGY PAGE.md\n");
    return 2;
  }
  try {
    return tarmac::simulator_tests::run(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "excess: %s\n", error.what());
    return 1;
  }
}
