#include <tarmac/core/error.h>
#include <tarmac/simulator/plot.h>
#include <tarmac/simulator/report.h>
#include <tarmac/simulator/sweep.h>
#include <tarmac/simulator/trace_formats.h>
#include <tarmac/strategies/catalog.h>

#include "commands.h"
#include "output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>

namespace tarmac::cli {
namespace {

struct SimulateOptions {
  std::vector<std::string> traces;
  std::vector<std::string> strategies;
  std::vector<std::string> sizes;
  std::string format;
  std::string csv;
  std::string json;
  std::string plot;
  unsigned jobs = 0;
  bool bytes = false;
  bool strict = false;
  bool no_progress = false;
};

/// All of the catalogue that decide by requests alone, and the bound.
std::string default_strategies() {
  std::string list;
  for (const StrategyDescription& row : catalog()) {
    if (row.name != "ttl" && row.name != "random") list += std::string(row.name) + ",";
  }
  return list + "belady";
}

template <class Choice>
void append(std::vector<Choice>& to, std::vector<Choice> more) {
  for (Choice& one : more) to.push_back(std::move(one));
}

SweepOptions sweep_options(const SimulateOptions& options) {
  SweepOptions sweep;
  sweep.trace = {options.format, options.strict};
  sweep.percent_of_bytes = options.bytes;
  sweep.jobs = options.jobs;
  for (const auto& list : options.strategies) append(sweep.strategies, parse_strategies(list));
  if (options.strategies.empty()) sweep.strategies = parse_strategies(default_strategies());
  for (const auto& list : options.sizes) append(sweep.sizes, parse_sizes(list));
  if (options.sizes.empty()) sweep.sizes = parse_sizes("0.3%,1%,3%,10%,30%");
  return sweep;
}

void show_problems(const SweepResult& result) {
  const TraceProblems& problems = result.problems;
  if (problems.count == 0) return;
  std::fflush(stdout);
  for (const auto& problem : problems.first) fmt::print(stderr, "{}\n", problem);
  const std::uint64_t more = problems.count - problems.first.size();
  fmt::print(stderr, "{}: {} malformed {} left out{}; --strict stops at the first\n",
             result.trace.string(), problems.count, problems.count == 1 ? "line was" : "lines were",
             more == 0 ? "" : fmt::format(" ({} more like these)", more));
}

void show(const SweepResult& result) {
  fmt::print("{}\n", to_table(result));
  const bool only_bound =
      std::all_of(result.strategies.begin(), result.strategies.end(),
                  [](const StrategyChoice& choice) { return choice.is_bound(); });
  if (only_bound) return;
  const Recommendation chosen = recommend(result);
  fmt::print("{}\n\n{}\n", chosen.sentence, chosen.yaml);
}

Status simulate(const SimulateOptions& options) {
  SweepOptions how = sweep_options(options);
  for (const auto* file : {&options.csv, &options.json, &options.plot}) expect_writable(*file);
  std::vector<SweepResult> results;
  ProgressLine line(!options.no_progress);
  for (const auto& trace : options.traces) {
    how.report = [&](const SweepProgress& progress) {
      line.show(progress.fraction,
                progress.passes == 1
                    ? trace
                    : fmt::format("{}, pass {} of {}", trace, progress.pass, progress.passes));
    };
    results.push_back(sweep(trace, how));
    line.clear();
    show(results.back());
    show_problems(results.back());
  }
  write_file(options.csv, to_csv(results));
  write_file(options.json, to_json(results));
  write_file(options.plot, plot_svg(results));
  return Status::done;
}

std::string format_lines() {
  std::string lines;
  for (const auto& [name, summary] : trace_formats()) {
    lines += fmt::format("  {:<15} {}\n", name, summary);
  }
  return lines;
}

}  // namespace

void add_simulate_command(CLI::App& app, std::function<Status()>& run) {
  auto* command = app.add_subcommand(
      "simulate", "Replay traces through strategies, and say which serves them best");
  auto options = std::make_shared<SimulateOptions>();
  command->add_option("TRACE", options->traces, "Traces; plain, or packed with gzip or zstd")
      ->required()
      ->type_name("");
  command
      ->add_option("--strategy", options->strategies,
                   "Strategies, and belady, the bound; without it, all but ttl and random")
      ->type_name("NAME{PARAMETER=VALUE;…},…")
      ->expected(1)
      ->take_all();
  command
      ->add_option("--size", options->sizes,
                   "Objects (1000), bytes (64MiB), or of the trace (1%); "
                   "without it 0.3%,1%,3%,10%,30%")
      ->type_name("SIZE,…")
      ->expected(1)
      ->take_all();
  command->add_flag("--bytes", options->bytes, "Percentages are of the bytes of all objects");
  command
      ->add_option("--format", options->format, "The form of the traces, if it is not recognised")
      ->type_name("NAME");
  command->add_flag("--strict", options->strict, "Stop at the first malformed line");
  command->add_option("--csv", options->csv, "Write every cell")->type_name("FILE");
  command->add_option("--json", options->json, "Write everything")->type_name("FILE");
  command->add_option("--plot", options->plot, "Draw the curves and bars")->type_name("FILE.svg");
  command->add_option("--jobs", options->jobs, "Threads; without it, one for each processor")
      ->check(CLI::Range(1U, 1024U))
      ->type_name("N");
  command->add_flag("--no-progress", options->no_progress, "No progress bar");
  command->footer("Formats:\n" + format_lines() +
                  "\nExit status: 0 done, 1 the work failed, 2 the call or a trace is wrong.\n"
                  "docs/simulator.md tells more.\n\n"
                  "Examples:\n"
                  "  tarmac simulate requests.csv.zst\n"
                  "  tarmac simulate web.tr.gz --strategy 'lru,lfu{ageing=false},belady' "
                  "--size 1%,10%,64MiB\n"
                  "  tarmac simulate requests.csv --plot misses.svg --csv misses.csv");
  command->callback([options, &run] { run = [options] { return simulate(*options); }; });
}

}  // namespace tarmac::cli
