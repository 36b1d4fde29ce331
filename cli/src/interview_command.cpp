#include <tarmac/core/error.h>
#include <tarmac/interview/json_report.h>
#include <tarmac/interview/markdown.h>
#include <tarmac/interview/session.h>
#include <tarmac/interview/text_view.h>

#include "commands.h"
#include "output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>

namespace tarmac::cli {
namespace {

struct InterviewOptions {
  std::vector<std::string> stops;
  std::string markdown;
  bool automatic = false;
  bool list = false;
  bool json = false;
  bool to_markdown = false;
  bool quick = false;
  bool no_color = false;
};

std::vector<const interview::Stop*> chosen_stops(const InterviewOptions& options) {
  std::vector<const interview::Stop*> chosen;
  for (const auto& word : options.stops) chosen.push_back(&interview::find_stop(word));
  if (chosen.empty()) {
    for (const auto& stop : interview::stops()) chosen.push_back(&stop);
  }
  return chosen;
}

/// Runs the experiments of the stops, with a line of progress on a terminal.
std::vector<interview::Visited> visit_all(const std::vector<const interview::Stop*>& chosen,
                                          const interview::Surroundings& surroundings) {
  std::vector<interview::Visited> visited;
  ProgressLine progress(true);
  for (const auto* stop : chosen) {
    progress.show(static_cast<double>(visited.size()) / static_cast<double>(chosen.size()),
                  stop->name);
    visited.push_back({stop, stop->run(surroundings)});
  }
  return visited;
}

Status status_of(const std::vector<interview::Visited>& visited) {
  const bool holds = std::all_of(visited.begin(), visited.end(),
                                 [](const auto& one) { return one.findings.holds(); });
  return holds ? Status::done : Status::failed;
}

/// Without a file, or with `-`, to the standard output.
Status write_page(const InterviewOptions& options, const interview::Surroundings& surroundings) {
  const bool to_file = !options.markdown.empty() && options.markdown != "-";
  if (to_file) expect_writable(options.markdown);
  const auto visited = visit_all(chosen_stops(options), surroundings);
  const auto page = interview::to_markdown(visited, interview::circumstances());
  if (to_file) {
    write_file(options.markdown, page);
  } else {
    std::cout << page << std::flush;
  }
  return status_of(visited);
}

Status run_interview(const InterviewOptions& options) {
  const interview::Surroundings surroundings{.scenarios = scenario_folder(),
                                             .quick = options.quick};
  const bool colour = may_colour(options.no_color);
  if (options.list) {
    interview::show_list(std::cout, colour);
    return Status::done;
  }
  if (options.to_markdown) return write_page(options, surroundings);
  if (options.json) {
    const auto visited = visit_all(chosen_stops(options), surroundings);
    std::cout << interview::to_json(visited, interview::circumstances(), TARMAC_VERSION)
              << std::flush;
    return status_of(visited);
  }
  bool holds = false;
  if (options.automatic || !options.stops.empty()) {
    holds = interview::show_all(chosen_stops(options), std::cout, surroundings, colour);
  } else {
    const bool somebody_types = isatty(STDIN_FILENO) == 1;
    holds = interview::walk(std::cin, std::cout, surroundings,
                            {.colour = colour, .prompt = somebody_types});
  }
  return holds ? Status::done : Status::failed;
}

}  // namespace

void add_interview_command(CLI::App& app, std::function<Status()>& run) {
  auto* command = app.add_subcommand("interview", "Walk through the design, with live experiments");
  auto options = std::make_shared<InterviewOptions>();
  command->add_option("--stop", options->stops, "Show these stops, by name or number, and end")
      ->type_name("NAME");
  auto* automatic =
      command->add_flag("--auto", options->automatic, "Show all stops without asking");
  auto* list = command->add_flag("--list", options->list, "List the stops, and show none");
  auto* json =
      command->add_flag("--json", options->json, "Print one JSON document instead of text");
  auto* markdown =
      command->add_option("--markdown", options->markdown,
                          "Write a page like docs/interview.md; - is the standard output");
  markdown->type_name("FILE")->expected(0, 1);
  command->add_flag("--quick", options->quick, "Smaller experiments, whose figures say less");
  command->add_flag("--no-color", options->no_color, "No colours; the variable NO_COLOR does too");
  list->excludes(json)->excludes(markdown)->excludes(automatic);
  json->excludes(markdown);
  command->footer(
      "Without --auto or --stop it is interactive: Enter for the next stop, `help` for the rest;\n"
      "commands are read from a pipe as well. docs/interview.md is the same as a page.\n\n"
      "Exit status: 0 every claim held, 1 one did not, 2 the call is wrong.\n\n"
      "Examples:\n"
      "  tarmac interview\n"
      "  tarmac interview --stop herd --stop durability\n"
      "  tarmac interview --auto\n"
      "  tarmac interview --markdown docs/interview.md");
  command->callback([options, markdown, &run] {
    options->to_markdown = markdown->count() > 0;
    run = [options] { return run_interview(*options); };
  });
}

}  // namespace tarmac::cli
