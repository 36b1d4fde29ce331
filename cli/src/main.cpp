// The program `tarmac`.
#include <tarmac/core/error.h>
#include <tarmac/core/parameters.h>

#include "commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace {

using tarmac::cli::Status;

/// A misspelt command gets a better answer than "a command is missing".
void refuse_unknown_command(const CLI::App& app, int argc, char** argv) {
  const std::string word = argc > 1 ? argv[1] : "-";
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands({})) names.push_back(command->get_name());
  const bool is_known = std::find(names.begin(), names.end(), word) != names.end();
  if (is_known || word.starts_with('-')) return;
  const auto near = tarmac::nearest_name(word, names);
  throw CLI::ExtrasError(
      fmt::format("there is no command \"{}\"{}", word,
                  near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"),
      CLI::ExitCodes::ExtrasError);
}

/// What the words of the call ask for. Throws CLI::ParseError, also for --help and --version.
std::function<Status()> parse(CLI::App& app, int argc, char** argv) {
  std::function<Status()> run;
  app.set_version_flag("--version", "tarmac " TARMAC_VERSION);
  app.set_help_flag("-h,--help", "Print this help");
  app.require_subcommand(1);
  app.failure_message([](const CLI::App* at, const CLI::Error& error) {
    return fmt::format("tarmac: {}\nType `{} --help` for help.\n", error.what(),
                       at->get_parent() == nullptr ? "tarmac" : "tarmac " + at->get_name());
  });
  app.footer(
      "Exit status: 0 done, 1 the work failed, 2 the call or a file is wrong.\n\n"
      "Examples:\n"
      "  tarmac demo --config config/tarmac.yaml\n"
      "  tarmac simulate requests.csv.zst\n"
      "  tarmac write --input records.json --output summary.json\n"
      "  tarmac check config/tarmac.yaml\n"
      "  tarmac inspect /var/lib/app/sessions\n"
      "  tarmac interview --stop herd");
  tarmac::cli::add_demo_command(app, run);
  tarmac::cli::add_simulate_command(app, run);
  tarmac::cli::add_write_command(app, run);
  tarmac::cli::add_check_command(app, run);
  tarmac::cli::add_inspect_command(app, run);
  tarmac::cli::add_interview_command(app, run);
  refuse_unknown_command(app, argc, argv);
  app.parse(argc, argv);
  return run;
}

int run_program(int argc, char** argv) {
  CLI::App app(
      "Plays caches from YAML files, checks the files, simulates strategies, and fills stores.",
      "tarmac");
  std::function<Status()> run;
  try {
    run = parse(app, argc, argv);
  } catch (const CLI::ParseError& error) {
    return static_cast<int>(app.exit(error) == 0 ? Status::done : Status::wrong);
  }
  return static_cast<int>(run());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run_program(argc, argv);
  } catch (const tarmac::ConfigError& error) {
    std::fprintf(stderr, "tarmac: %s\n", error.what());
    return static_cast<int>(Status::wrong);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tarmac: %s\n", error.what());
    return static_cast<int>(Status::failed);
  }
}
