#include <tarmac/core/error.h>
#include <tarmac/core/parameters.h>

#include "commands.h"

#include <algorithm>
#include <map>

namespace tarmac::cli {
namespace {

using Path = std::filesystem::path;

std::map<std::string, Path> shipped() {
  std::map<std::string, Path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(scenario_folder(), error)) {
    if (entry.path().extension() == ".yaml") files.emplace(entry.path().stem(), entry.path());
  }
  return files;
}

bool is_number_of(const std::string& word, const std::string& name) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string::npos &&
         name.starts_with(word + "_");
}

Path file_of(const std::string& word, const std::map<std::string, Path>& files) {
  for (const auto& [name, path] : files) {
    if (name == word || is_number_of(word, name)) return path;
  }
  const bool is_path = word.find('/') != std::string::npos || Path(word).extension() == ".yaml";
  if (is_path) return word;  // Whether it can be read, the reader says.
  std::vector<std::string> names;
  names.reserve(files.size());
  for (const auto& [name, path] : files) names.push_back(name);
  std::string message = "there is no scenario \"" + word + "\"";
  const auto near = nearest_name(word, names);
  if (!near.empty()) message += "; did you mean \"" + std::string(near) + "\"?";
  message += " (known:";
  for (const auto& name : names) message += " " + name;
  throw ConfigError(message + "; or a path that ends in .yaml)");
}

}  // namespace

Path scenario_folder() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    auto installed = program.parent_path().parent_path() / "share" / "tarmac" / "scenarios";
    if (std::filesystem::is_directory(installed, error)) return installed;
  }
  return TARMAC_SCENARIO_FOLDER;
}

std::vector<Path> scenario_files(const std::vector<std::string>& words) {
  const auto files = shipped();
  std::vector<Path> result;
  result.reserve(words.size() + files.size());
  for (const auto& word : words) result.push_back(file_of(word, files));
  if (!words.empty()) return result;
  for (const auto& [name, path] : files) result.push_back(path);
  if (result.empty()) {
    throw ConfigError("no scenario in " + scenario_folder().string() +
                      "; name a scenario file of your own");
  }
  return result;
}

}  // namespace tarmac::cli
