#include <tarmac/config/config.h>
#include <tarmac/config/yaml_document.h>
#include <tarmac/policies/catalog.h>
#include <tarmac/stores/catalog.h>
#include <tarmac/strategies/catalog.h>

#if __has_include(<tarmac/durability/catalog.h>)
#include <tarmac/durability/catalog.h>
#endif

#include "config_reader.h"

#include <algorithm>

namespace tarmac {

const CacheConfig* Config::find(std::string_view name) const noexcept {
  const auto found = std::find_if(caches.begin(), caches.end(), [&](const CacheConfig& cache) {
    return cache.options.name == name;
  });
  return found == caches.end() ? nullptr : &*found;
}

namespace {

Config read_or_throw(const YamlNode& root) {
  internal::Problems problems;
  Config config = internal::read_config(root, problems);
  if (!problems.list().empty()) throw ConfigError(problems.list().front());
  return config;
}

}  // namespace

Config load_config_file(const std::filesystem::path& path) {
  return read_or_throw(load_yaml(path));
}

Config parse_config(std::string_view text, std::string_view file_name) {
  return read_or_throw(parse_yaml(text, file_name));
}

FileCheck check_file(const std::filesystem::path& path) {
  FileCheck check;
  internal::Problems problems;
  Config config;
  problems.attempt([&] { config = internal::read_config(load_yaml(path), problems); });
  check.problems = problems.list();
  if (check.ok()) check.summary = internal::summary_of(config);
  return check;
}

std::unique_ptr<WritePolicy> make_write_policy(const CacheConfig& config) {
  std::shared_ptr<BackingStore> store;
  if (config.store) store = store_registry().make(config.store->name, config.store->parameters);
  return write_policy_registry().make(config.write_policy.name, store,
                                      config.write_policy.parameters);
}

}  // namespace tarmac
