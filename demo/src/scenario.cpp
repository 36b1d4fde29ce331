#include <tarmac/config/pieces.h>
#include <tarmac/demo/scenario.h>

#include "reading.h"

#include <array>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace tarmac::demo {
namespace {

/// A cache of the cache file by its name, or one with settings of its own.
CacheConfig read_cache(const YamlNode& node, const Config* config) {
  if (!node.is_scalar()) return read_cache_piece(node);
  if (config == nullptr) {
    throw node.error("a cache by name needs a cache file",
                     "name it with --config FILE, or write the settings here");
  }
  std::vector<std::string> names;
  names.reserve(config->caches.size());
  for (const auto& cache : config->caches) names.push_back(cache.options.name);
  return *config->find(as_choice(node, "cache of the cache file", names));
}

std::vector<CacheConfig> read_caches(const YamlNode& node, const Config* config) {
  std::vector<CacheConfig> caches;
  for (const auto& element : as_list(node)) {
    caches.push_back(read_cache(element, config));
    for (std::size_t i = 0; i + 1 < caches.size(); ++i) {
      if (caches[i].options.name == caches.back().options.name) {
        throw element.error("there already is a cache \"" + caches[i].options.name + "\"",
                            "give it another name");
      }
    }
  }
  if (caches.empty()) throw node.error("the list of caches is empty", "add one: `- name: NAME`");
  return caches;
}

/// The cache that a step names; the first one if it names none.
std::size_t cache_of(const YamlNode& step, const std::vector<CacheConfig>& caches) {
  const auto* node = step.is_map() ? step.find("cache") : nullptr;
  if (node == nullptr) return 0;
  std::vector<std::string> names;
  names.reserve(caches.size());
  for (const auto& cache : caches) names.push_back(cache.options.name);
  const auto& name = as_choice(*node, "cache of this scenario", names);
  std::size_t index = 0;
  while (names[index] != name) ++index;
  return index;
}

/// Calls what reads one part of a file; check_scenario() goes on when it throws.
using Attempt = std::function<void(const std::function<void()>& read)>;

void read_steps(const YamlNode& steps, const ScenarioInput& input, const Attempt& attempt,
                Scenario& scenario) {
  std::map<std::size_t, std::set<std::string>> snapshots;
  for (const auto& node : as_list(steps)) {
    attempt([&] {
      const auto index = cache_of(node, scenario.caches);
      const ReadContext context{scenario.file.parent_path(), &input.trace, &scenario.caches[index],
                                &snapshots[index]};
      scenario.steps.push_back(read_step(node, context));
      scenario.steps.back().cache = index;
    });
  }
  if (steps.children.empty()) throw steps.error("there are no steps", "add one: `- get: KEY`");
}

Scenario read_scenario(const YamlNode& root, const std::filesystem::path& file,
                       const ScenarioInput& input, const Attempt& attempt) {
  static const std::array<std::string, 4> known{"title", "description", "caches", "steps"};
  const MapReader map(root, known);
  Scenario scenario;
  scenario.file = file;
  attempt([&] { scenario.title = as_string(map.require("title")); });
  attempt([&] { scenario.description = map.get_string("description").value_or(""); });
  // Without its caches no step means anything.
  scenario.caches = read_caches(map.require("caches"), input.config);
  attempt([&] { read_steps(map.require("steps"), input, attempt, scenario); });
  return scenario;
}

std::string count_of(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::vector<std::string> summary_of(const Scenario& scenario) {
  std::size_t checks = 0;
  for (const auto& step : scenario.steps) checks += step.checks.size();
  std::string caches;
  for (const auto& cache : scenario.caches) caches += " " + cache.options.name;
  return {"scenario: " + scenario.title, count_of(scenario.steps.size(), "step") + ", " +
                                             count_of(checks, "expectation") + ", on" + caches};
}

}  // namespace

Scenario load_scenario(const std::filesystem::path& file, const ScenarioInput& input) {
  return read_scenario(load_yaml(file), file, input, [](const auto& read) { read(); });
}

Scenario parse_scenario(std::string_view text, const std::filesystem::path& file,
                        const ScenarioInput& input) {
  return read_scenario(parse_yaml(text, file.string()), file, input,
                       [](const auto& read) { read(); });
}

bool is_scenario(const YamlNode& root) {
  return root.is_map() && (root.find("title") != nullptr || root.find("description") != nullptr ||
                           root.find("steps") != nullptr);
}

FileCheck check_scenario(const YamlNode& root, const std::filesystem::path& file,
                         const ScenarioInput& input) {
  FileCheck check;
  const Attempt attempt = [&](const auto& read) {
    try {
      read();
    } catch (const ConfigError& error) {
      check.problems.emplace_back(error.what());
    }
  };
  Scenario scenario;
  attempt([&] { scenario = read_scenario(root, file, input, attempt); });
  if (check.ok()) check.summary = summary_of(scenario);
  return check;
}

}  // namespace tarmac::demo
