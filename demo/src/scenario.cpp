#include <tarmac/config/pieces.h>
#include <tarmac/demo/scenario.h>

#include "reading.h"

#include <array>
#include <map>

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

}  // namespace

Scenario load_scenario(const std::filesystem::path& file, const ScenarioInput& input) {
  static const std::array<std::string, 4> known{"title", "description", "caches", "steps"};
  const auto root = load_yaml(file);
  const MapReader map(root, known);
  Scenario scenario;
  scenario.file = file;
  scenario.title = as_string(map.require("title"));
  scenario.description = map.get_string("description").value_or("");
  scenario.caches = read_caches(map.require("caches"), input.config);

  std::map<std::size_t, std::set<std::string>> snapshots;
  const auto& steps = map.require("steps");
  for (const auto& node : as_list(steps)) {
    const auto index = cache_of(node, scenario.caches);
    const ReadContext context{file.parent_path(), &input.trace, &scenario.caches[index],
                              &snapshots[index]};
    scenario.steps.push_back(read_step(node, context));
    scenario.steps.back().cache = index;
  }
  if (scenario.steps.empty()) throw steps.error("there are no steps", "add one: `- get: KEY`");
  return scenario;
}

}  // namespace tarmac::demo
