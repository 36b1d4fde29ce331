// A scenario: caches, steps, and what must be true on the way. docs/scenarios.md has every step.
#pragma once

#include <tarmac/config/config.h>
#include <tarmac/config/yaml_document.h>
#include <tarmac/demo/result.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac::demo {

class Stage;
class StageCache;

/// What a step says it did, in the words of StepResult.
struct StepOutput {
  std::string subject;
  std::string outcome;
  std::string result = {};
  std::vector<Table> tables = {};
};

struct Verdict {
  bool passed = false;
  std::string expected;
  std::string found;
};

/// One expectation, read from the file and ready to be judged.
struct Check {
  std::string subject;
  std::size_t line = 0;
  std::function<Verdict(Stage&, StageCache&, const StepOutput&)> judge;
  bool skipped = false;
};

using StepAction = std::function<StepOutput(Stage&, StageCache&)>;

struct Step {
  std::string kind;
  std::size_t line = 0;
  /// The cache it works on: an index into Scenario::caches.
  std::size_t cache = 0;
  StepAction action;
  std::vector<Check> checks;
};

struct Scenario {
  std::filesystem::path file;
  std::string title;
  std::string description;
  std::vector<CacheConfig> caches;
  std::vector<Step> steps;
};

/// What a scenario file may refer to from outside.
struct ScenarioInput {
  /// The caches that a scenario can take by name; null for none. Must outlive the call.
  const Config* config = nullptr;
  /// Replayed instead of the traces that the steps name.
  std::optional<std::filesystem::path> trace;
};

/// Reads a scenario file. Throws ConfigError for the first thing that is wrong with it, with its
/// place, as load_config_file() does; nothing has been played then.
[[nodiscard]] Scenario load_scenario(const std::filesystem::path& file,
                                     const ScenarioInput& input = {});

/// The same for a text; `file` is how errors call it, and where its paths begin.
[[nodiscard]] Scenario parse_scenario(std::string_view text, const std::filesystem::path& file,
                                      const ScenarioInput& input = {});

/// Whether a file is meant as a scenario, and not as a cache file: it has `title`, `description` or
/// `steps`.
[[nodiscard]] bool is_scenario(const YamlNode& root);
/// Reads a scenario to the end, whatever is wrong with it, but for its steps if its caches are.
/// Throws nothing of its own.
[[nodiscard]] FileCheck check_scenario(const YamlNode& root, const std::filesystem::path& file,
                                       const ScenarioInput& input = {});

/// Something that can be written into a scenario file.
struct KindDescription {
  std::string name;
  /// One line for people.
  std::string summary;
};

/// The kinds of steps, and the keys of `expect`, in the order of docs/scenarios.md.
[[nodiscard]] std::vector<KindDescription> step_kinds();
[[nodiscard]] std::vector<KindDescription> expectation_kinds();

}  // namespace tarmac::demo
