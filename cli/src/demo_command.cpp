#include <tarmac/config/config.h>
#include <tarmac/core/error.h>
#include <tarmac/demo/json_report.h>
#include <tarmac/demo/live_load.h>
#include <tarmac/demo/observation.h>
#include <tarmac/demo/play.h>
#include <tarmac/demo/scenario.h>
#include <tarmac/demo/text_view.h>

#include "commands.h"
#include "output.h"
#include "stop_signal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <memory>

namespace tarmac::cli {
namespace {

struct DemoOptions {
  std::vector<std::string> scenarios;
  std::string config;
  std::string trace;
  std::string metrics;
  bool json = false;
  bool serve = false;
  bool list = false;
  bool no_color = false;
};

demo::TextViewOptions view_options(const DemoOptions& options) {
  return {.colour = may_colour(options.no_color), .progress = isatty(STDOUT_FILENO) == 1};
}

std::vector<demo::Scenario> load_all(const DemoOptions& options,
                                     const std::optional<Config>& config) {
  demo::ScenarioInput input;
  if (config) input.config = &*config;
  if (!options.trace.empty()) input.trace = options.trace;
  std::vector<demo::Scenario> scenarios;
  for (const auto& file : scenario_files(options.scenarios)) {
    scenarios.push_back(demo::load_scenario(file, input));
  }
  return scenarios;
}

/// What is to be observed: the event log of the file; the endpoint if the call asks for it.
ObserversConfig observers_of(const DemoOptions& options, const std::optional<Config>& config) {
  ObserversConfig observers;
  if (config) observers = config->observers;
  if (options.metrics.empty()) {
    if (!options.serve) observers.metrics.reset();
    return observers;
  }
  if (!observers.metrics) observers.metrics.emplace();
  observers.metrics->address = options.metrics;
  return observers;
}

Status list_scenarios(const std::vector<demo::Scenario>& scenarios) {
  for (const auto& scenario : scenarios) {
    fmt::print("{:<24} {}\n", scenario.file.stem().string(), scenario.title);
  }
  return Status::done;
}

Status play_scenarios(const DemoOptions& options, const std::optional<Config>& config) {
  const auto scenarios = load_all(options, config);
  if (options.list) return list_scenarios(scenarios);
  demo::Observation observation(observers_of(options, config));
  if (options.json) {
    const auto result = demo::play(scenarios, nullptr, &observation);
    std::cout << demo::to_json(result, TARMAC_VERSION) << std::flush;
    return static_cast<Status>(result.exit_status());
  }
  if (!observation.url().empty()) fmt::print("metrics: {}\n", observation.url());
  demo::TextView view(std::cout, view_options(options));
  const auto result = demo::play(scenarios, &view, &observation);
  view.show_summary(result);
  return static_cast<Status>(result.exit_status());
}

/// Prints the address at once, for whoever waits for it, and the metrics when it is over.
Status serve(const DemoOptions& options, const std::optional<Config>& config) {
  if (!config) throw ConfigError("--serve needs the caches of a cache file: add --config FILE");
  const StopSignal stop;  // Before the first thread: each inherits that it does not hear signals.
  demo::Observation observation(observers_of(options, config));
  if (observation.url().empty()) {
    throw ConfigError("--serve has no address to serve: add --metrics 127.0.0.1:9464");
  }
  fmt::print(
      "metrics: {}\nload: {} on {}; stop with Ctrl-C\n", observation.url(),
      "2,000 operations a second",
      config->caches.size() == 1 ? "1 cache" : std::to_string(config->caches.size()) + " caches");
  std::fflush(stdout);
  demo::LiveLoadOptions load_options;
  load_options.on_failure = [&stop] { stop.raise(); };
  demo::LiveLoad load(*config, observation, load_options);
  stop.wait();
  load.stop();
  demo::TextView view(std::cout, view_options(options));
  fmt::print("\nstopped after {} operations\n", load.operations());
  std::fflush(stdout);
  view.show_caches(load.figures());
  std::cout << std::flush;
  return Status::done;
}

Status run_demo(const DemoOptions& options) {
  std::optional<Config> config;
  if (!options.config.empty()) config = load_config_file(options.config);
  if (options.serve) return serve(options, config);
  return play_scenarios(options, config);
}

}  // namespace

void add_demo_command(CLI::App& app, std::function<Status()>& run) {
  auto* command = app.add_subcommand("demo", "Play scenarios and check what they expect");
  auto options = std::make_shared<DemoOptions>();
  auto* words = command->add_option(
      "SCENARIO", options->scenarios,
      "Names or numbers of shipped scenarios, or files; without any, all shipped");
  words->type_name("");
  command->add_option("--config", options->config, "The cache file with caches and observers")
      ->type_name("FILE");
  command
      ->add_option("--trace", options->trace,
                   "Replay this trace (CSV, plain or zstd) instead of the scenarios' own")
      ->check(CLI::Validator(CLI::ExistingFile).description(""))
      ->type_name("FILE");
  auto* json =
      command->add_flag("--json", options->json, "Print one JSON document instead of text");
  command->add_option("--metrics", options->metrics, "Serve Prometheus metrics here meanwhile")
      ->type_name("HOST:PORT");
  auto* serve_flag = command->add_flag("--serve", options->serve,
                                       "Keep a load on the caches of the cache file, until Ctrl-C");
  auto* list = command->add_flag("--list", options->list, "List the scenarios, and play none");
  command->add_flag("--no-color", options->no_color, "No colours; the variable NO_COLOR does too");
  json->excludes(list);
  serve_flag->excludes(words)->excludes(json)->excludes(list);
  command->footer(
      "Exit status: 0 every expectation held, 1 one failed, 2 the call or a file is wrong.\n"
      "docs/scenarios.md tells how to write scenarios of one's own.\n\n"
      "Examples:\n"
      "  tarmac demo --config config/tarmac.yaml\n"
      "  tarmac demo 1 3_strategy_swap my_scenario.yaml\n"
      "  tarmac demo 6 --trace requests.csv.zst\n"
      "  tarmac demo --config config/tarmac.yaml --json > result.json\n"
      "  tarmac demo --config config/tarmac.yaml --serve --metrics 127.0.0.1:9464");
  command->callback([options, &run] { run = [options] { return run_demo(*options); }; });
}

}  // namespace tarmac::cli
