#include <tarmac/config/config.h>
#include <tarmac/core/error.h>

#include "commands.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>

namespace tarmac::cli {
namespace {

Status check(const std::vector<std::string>& files) {
  auto status = Status::done;
  for (const auto& file : files) {
    const auto found = check_file(file);
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
  auto* command = app.add_subcommand("check", "Say what cache files make, or what is wrong");
  auto files = std::make_shared<std::vector<std::string>>();
  command->add_option("FILE", *files, "Cache files in YAML")->required()->type_name("");
  command->footer(
      "Each problem is a line FILE:LINE:COL: at KEY: what is wrong; the mend.\n"
      "Exit status: 0 every file is right, 2 one is not.\n\n"
      "Examples:\n"
      "  tarmac check config/tarmac.yaml\n"
      "  tarmac check caches/*.yaml");
  command->callback([files, &run] { run = [files] { return check(*files); }; });
}

}  // namespace tarmac::cli
