// The words and tables of docs/agreement.md.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "agreement.h"

namespace tarmac::simulator_tests {
namespace {

constexpr std::string_view kHead = R"(# Agreement with independent simulators

Written by the program `agreement` (tests/simulator): do not edit. `./run stress -R agreement` computes it again.

Each strategy, with the parameters of the row, on public traces that other simulators have replayed: libCacheSim,
Caffeine's simulator, and the program of the authors of LIRS. Every request is a look-up that inserts after a miss; all
caches begin empty, and every request counts. A difference is our miss ratio minus theirs. Rows that the table itself
marks as no fair measure (a queue that rounds to nothing, large objects refused) are *excepted*, as are caches too small
for the level; they are shown all the same.

)";

/// `libCacheSim aa0fc409` without what identifies the build.
std::string short_name(const std::string& simulator) {
  if (simulator.starts_with("libCacheSim in")) return "libCacheSim 2025";
  return simulator.substr(0, simulator.find(' '));
}

const char* verdict(const AgreementSummary& summary) {
  if (summary.missing > 0) return "no such strategy yet";
  if (summary.rule->level.text().empty()) return "shown";
  if (summary.cells == 0) return "nothing to hold it to";
  return summary.kept ? "kept" : "**not kept**";
}

std::string summary_table(const std::vector<AgreementCell>& cells) {
  std::string text =
      "## Summary\n\n"
      "| strategy | against | in | cells | equal | mean | largest | within 0.002 | level | | "
      "excepted |\n"
      "|---|---|---|---:|---:|---:|---:|---:|---|---|---:|\n";
  for (const AgreementSummary& one : summarise(cells)) {
    const std::string level = one.rule->level.text();
    text +=
        fmt::format("| `{}` | {} | {} | {} | {} | {:.5f} | {:.5f} | {:.0f} % | {} | {} | {} |\n",
                    one.rule->strategy, short_name(one.simulator),
                    one.in_bytes ? "bytes" : "objects", one.cells, one.equal, one.mean, one.largest,
                    one.near_share * 100, level.empty() ? "–" : level, verdict(one), one.excepted);
  }
  return text + "\n";
}

std::string cells_table(const std::vector<const AgreementCell*>& cells) {
  std::string text =
      "| trace | size | strategy | against | theirs | ours | difference | |\n"
      "|---|---:|---|---|---:|---:|---:|---|\n";
  for (const AgreementCell* cell : cells) {
    text +=
        fmt::format("| {} | {}{} | `{}` | {} | {:.6f} | {:.6f} | {} | {} |\n", cell->trace,
                    cell->size, cell->in_bytes ? " B" : "", cell->rule->strategy,
                    short_name(cell->simulator), cell->expected_ratio(), cell->our_ratio(),
                    *cell->ours == cell->misses ? "0" : fmt::format("{:+.6f}", cell->difference()),
                    cell->exception.empty() ? "" : "excepted: " + cell->exception);
  }
  return text + "\n";
}

}  // namespace

std::string Level::text() const {
  std::string text;
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : ", ") + more; };
  if (exact) add("equal");
  if (near) add(fmt::format("{:g} in {:.0f} % of cells", *near, near_share * 100));
  if (most) add(fmt::format("{:g} in all", *most));
  if (mean) add(fmt::format("{:g} on average", *mean));
  if (worse) add(fmt::format("never {:g} more", *worse));
  if (objects_min > 0) add(fmt::format("from {} objects", objects_min));
  return text;
}

std::string agreement_page(const std::vector<AgreementCell>& cells) {
  std::string text(kHead);
  text += summary_table(cells);
  text += "## Every cell\n\n";
  std::map<std::string, std::vector<const AgreementCell*>> by_algorithm;
  for (const AgreementCell& cell : cells) {
    if (cell.ours) by_algorithm[std::string(cell.rule->algorithm)].push_back(&cell);
  }
  for (const auto& [algorithm, of_algorithm] : by_algorithm) {
    text += "### " + algorithm + "\n\n" + cells_table(of_algorithm);
  }
  text.pop_back();
  return text;
}

}  // namespace tarmac::simulator_tests
