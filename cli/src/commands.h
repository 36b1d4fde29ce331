// The commands of the program: each parsed into its options, then run.
#pragma once

#include <CLI/CLI.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tarmac::cli {

/// 0 done, 1 the work failed, 2 the call or a file is wrong.
enum class Status : int { done = 0, failed = 1, wrong = 2 };

/// Adds a command to `app`; when it is the one called, `run` becomes what to do.
void add_demo_command(CLI::App& app, std::function<Status()>& run);
void add_simulate_command(CLI::App& app, std::function<Status()>& run);
void add_check_command(CLI::App& app, std::function<Status()>& run);
void add_write_command(CLI::App& app, std::function<Status()>& run);

/// Writes the dead letters of a file to the one backend that `input` names, and what became of them
/// to `output`. Throws ConfigError if that is not what the input is for.
[[nodiscard]] Status replay_letters(const std::string& letters, const std::string& input,
                                    const std::string& output);
void add_inspect_command(CLI::App& app, std::function<Status()>& run);
void add_interview_command(CLI::App& app, std::function<Status()>& run);

/// Where the shipped scenarios are: beside an installed program, or in the tree it was built from.
[[nodiscard]] std::filesystem::path scenario_folder();

/// The files that the words of a `demo` call mean: all shipped scenarios if there is none. A word
/// is a path, the name of a shipped scenario, or the number it begins with. Throws ConfigError for
/// a word that is none of them.
[[nodiscard]] std::vector<std::filesystem::path> scenario_files(
    const std::vector<std::string>& words);

}  // namespace tarmac::cli
