#include <tarmac/config/config.h>
#include <tarmac/config/yaml_document.h>
#include <tarmac/core/error.h>
#include <tarmac/demo/scenario.h>

#include "commands.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tarmac::cli {
namespace {

/// What the words of the call say.
struct CheckOptions {
  std::vector<std::string> files;
  std::string config;
};

FileCheck check_either(const std::string& file, const demo::ScenarioInput& input) {
  try {
    const auto root = load_yaml(file);
    if (demo::is_scenario(root)) return demo::check_scenario(root, file, input);
  } catch (const ConfigError& error) {
    return {{error.what()}, {}};
  }
  return check_file(file);
}

Status check(const CheckOptions& options) {
  std::optional<Config> config;
  demo::ScenarioInput input;
  if (!options.config.empty()) input.config = &config.emplace(load_config_file(options.config));
  auto status = Status::done;
  for (const auto& file : options.files) {
    const auto found = check_either(file, input);
    for (const auto& problem : found.problems) fmt::print(stderr, "{}\n", problem);
    if (!found.ok()) {
      status = Status::wrong;
      continue;
    }
    fmt::print("{}: right\n", file);
    for (const auto& line : found.summary) fmt::print("  {}\n", line);
  }
  return status;
}

}  // namespace

void add_check_command(CLI::App& app, std::function<Status()>& run) {
  auto* command =
      app.add_subcommand("check", "Say what cache files and scenarios make, or what is wrong");
  auto options = std::make_shared<CheckOptions>();
  command->add_option("FILE", options->files, "Cache files and scenario files in YAML")
      ->required()
      ->type_name("");
  command
      ->add_option("--config", options->config,
                   "The cache file with the caches that scenarios take by name")
      ->type_name("FILE");
  command->footer(
      "A file with `title`, `description` or `steps` is a scenario, any other a cache file.\n"
      "Each problem is a line FILE:LINE:COL: at KEY: what is wrong; the mend.\n"
      "Exit status: 0 every file is right, 2 one is not.\n\n"
      "Examples:\n"
      "  tarmac check config/tarmac.yaml\n"
      "  tarmac check caches/*.yaml\n"
      "  tarmac check --config config/tarmac.yaml demo/scenarios/*.yaml");
  command->callback([options, &run] { run = [options] { return check(*options); }; });
}

}  // namespace tarmac::cli
