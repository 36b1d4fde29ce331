// The shipped files load, there is one for each part, and the JSON schema knows what the reader
// knows: no more, no less.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tarmac/config/config.h>
#include <tarmac/core/backing_store.h>
#include <tarmac/core/error.h>
#include <tarmac/strategies/catalog.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "shipped_files.h"

namespace tarmac {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAreArray;

json schema() { return json::parse(text_of(config_folder() / "schema" / "tarmac.schema.json")); }

std::vector<std::string> keys_of(const json& properties) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : properties.items()) keys.push_back(key);
  return keys;
}

/// The names that the schema offers an editor for a part.
std::vector<std::string> names_in_schema(const std::string& definition) {
  return schema().at("$defs").at(definition).at("anyOf").at(0).at("enum");
}

/// The parameters that the parts called `names` take, as their own errors list them.
template <class Make>
std::set<std::string> parameters_of(const std::vector<std::string>& names, const Make& make) {
  std::set<std::string> parameters;
  for (const auto& name : names) {
    try {
      make(name, Parameters{{"no_such_parameter", "1"}});
      ADD_FAILURE() << name << " accepts any parameter";
    } catch (const ConfigError& error) {
      const std::string message = error.what();
      const auto list = message.find("(known: ");
      if (list == std::string::npos) continue;
      std::istringstream words(message.substr(list + 8, message.rfind(')') - list - 8));
      for (std::string word; words >> word;) parameters.insert(word);
    }
  }
  return parameters;
}

std::set<std::string> part_parameters_in_schema(const std::string& key,
                                                const std::string& name_key) {
  const auto properties =
      schema().at("$defs").at("cache").at("properties").at(key).at("anyOf").at(1).at("properties");
  std::set<std::string> parameters;
  for (const auto& [parameter, value] : properties.items()) {
    if (parameter != name_key) parameters.insert(parameter);
  }
  return parameters;
}

TEST(Samples, AllLoad) {
  for (const auto& path : shipped_files()) {
    const auto check = check_file(path);
    EXPECT_THAT(check.problems, IsEmpty()) << path;
    EXPECT_FALSE(check.summary.empty()) << path;
  }
}

TEST(Samples, TellTheEditorWhereTheSchemaIs) {
  const std::string comment = "# yaml-language-server: $schema=";
  for (const auto& path : shipped_files()) {
    const auto text = text_of(path);
    ASSERT_THAT(text, StartsWith(comment)) << path;
    const auto place = text.substr(comment.size(), text.find('\n') - comment.size());
    EXPECT_TRUE(std::filesystem::exists(path.parent_path() / place)) << path << " " << place;
  }
}

TEST(Samples, ShowEachStrategyAndEachWritePolicy) {
  for (const auto& row : catalog()) {
    const auto file = config_folder() / "samples" / (std::string(row.name) + ".yaml");
    ASSERT_TRUE(std::filesystem::exists(file)) << file;
    EXPECT_EQ(load_config_file(file).caches.at(0).options.eviction, row.name);
  }
  for (const auto& name : names_in_schema("policy_name")) {
    const auto file = config_folder() / "samples" / (name + ".yaml");
    ASSERT_TRUE(std::filesystem::exists(file)) << file;
    EXPECT_EQ(load_config_file(file).caches.at(0).write_policy.name, name);
  }
}

TEST(Samples, ShowEachStore) {
  const auto linked_in = store_registry().names();
  for (const auto& name : names_in_schema("store_name")) {
    if (std::ranges::find(linked_in, name) == linked_in.end()) continue;  // Switched off.
    // The memory store is in the samples of the policies.
    const auto file =
        config_folder() / "samples" / (name == "memory" ? "write_back.yaml" : name + ".yaml");
    ASSERT_TRUE(std::filesystem::exists(file)) << file;
    EXPECT_EQ(load_config_file(file).caches.at(0).store->name, name);
  }
}

TEST(Schema, KnowsTheKeysThatTheReaderKnows) {
  const auto root = schema();
  const auto& cache = root.at("$defs").at("cache");
  const auto& observers = root.at("properties").at("observers");
  std::map<std::string, json> maps{
      {"", root.at("properties")},
      {"caches[]", cache.at("properties")},
      {"caches[].undo", cache.at("properties").at("undo").at("properties")},
      {"caches[].loading", cache.at("properties").at("loading").at("properties")},
      {"caches[].durability", cache.at("properties").at("durability").at("properties")},
      {"caches[].l2", cache.at("properties").at("l2").at("properties")},
      {"observers", observers.at("properties")},
      {"observers.metrics", observers.at("properties").at("metrics").at("properties")},
      {"observers.event_log", observers.at("properties").at("event_log").at("properties")}};
  for (const auto& [path, known] : config_keys()) {
    if (maps.contains(path)) {
      EXPECT_THAT(keys_of(maps.at(path)), UnorderedElementsAreArray(known)) << path;
      maps.erase(path);
      continue;
    }
    // A part: its name's key, beside the parameters which the next tests compare.
    const auto key = path.substr(std::string("caches[].").size());
    const auto& form = cache.at("properties").at(key).at("anyOf").at(1);
    EXPECT_EQ(form.at("required").get<std::vector<std::string>>(), known) << path;
    EXPECT_TRUE(form.at("properties").contains(known.at(0))) << path;
  }
  EXPECT_THAT(maps, IsEmpty());
}

TEST(Schema, RefusesUnknownKeysWhereTheReaderDoes) {
  const auto root = schema();
  const auto& cache = root.at("$defs").at("cache");
  const auto& observers = root.at("properties").at("observers");
  for (const auto& map :
       {root, cache, cache.at("properties").at("undo"), cache.at("properties").at("loading"),
        cache.at("properties").at("durability"), cache.at("properties").at("l2"), observers,
        observers.at("properties").at("metrics"), observers.at("properties").at("event_log")}) {
    EXPECT_EQ(map.at("additionalProperties"), false) << map.dump(2);
  }
}

/// Compares the parameters in the schema with those the parts called `names` take: all that their
/// errors list are in the schema, and each in the schema is one that some part knows.
template <class Make>
void expect_same_parameters(const std::set<std::string>& in_schema,
                            const std::vector<std::string>& names, const Make& make) {
  const auto listed = parameters_of(names, make);
  EXPECT_TRUE(std::includes(in_schema.begin(), in_schema.end(), listed.begin(), listed.end()))
      << ::testing::PrintToString(listed);
  for (const auto& parameter : in_schema) {
    const bool known = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      try {
        make(name, Parameters{{parameter, "a value of no type"}});
      } catch (const ConfigError& error) {
        return std::string(error.what()).find("has no parameter") == std::string::npos;
      }
      return true;
    });
    EXPECT_TRUE(known) << parameter;
  }
}

// Other tests of this program register strategies and stores, so the names come from the catalog
// and from the schema.
TEST(Schema, OffersTheBuiltInPartsAndTheirParameters) {
  std::vector<std::string> strategies;
  for (const auto& row : catalog()) strategies.emplace_back(row.name);
  EXPECT_THAT(names_in_schema("strategy_name"), UnorderedElementsAreArray(strategies));
  EXPECT_THAT(names_in_schema("policy_name"),
              UnorderedElementsAreArray(write_policy_registry().names()));
  expect_same_parameters(part_parameters_in_schema("eviction", "strategy"), strategies,
                         [](const std::string& name, const Parameters& parameters) {
                           static_cast<void>(strategy_registry().make(name, parameters));
                         });
  expect_same_parameters(part_parameters_in_schema("write_policy", "policy"),
                         names_in_schema("policy_name"),
                         [](const std::string& name, const Parameters& parameters) {
                           static_cast<void>(write_policy_registry().make(
                               name, store_registry().make("memory"), parameters));
                         });
  expect_same_parameters(part_parameters_in_schema("store", "store"), names_in_schema("store_name"),
                         [](const std::string& name, const Parameters& parameters) {
                           static_cast<void>(store_registry().make(name, parameters));
                         });
}

TEST(Schema, NamesEveryEventType) {
  std::vector<std::string> names;
  for (const auto type : all_event_types()) names.emplace_back(to_string(type));
  const auto log = schema().at("properties").at("observers").at("properties").at("event_log");
  EXPECT_THAT(log.at("properties").at("types").at("anyOf").at(1).at("items").at("enum").get<json>(),
              UnorderedElementsAreArray(names));
}

// Goal: docs/configuration.md speaks of each key. Method: each stands there in backquotes.
TEST(Documentation, SpeaksOfEveryKeyAndParameter) {
  const auto text = text_of(std::filesystem::path(TARMAC_SOURCE_DIR) / "docs" / "configuration.md");
  ASSERT_FALSE(text.empty());
  std::set<std::string> keys = part_parameters_in_schema("eviction", "strategy");
  keys.merge(part_parameters_in_schema("write_policy", "policy"));
  keys.merge(part_parameters_in_schema("store", "store"));
  for (const auto& [path, known] : config_keys()) keys.insert(known.begin(), known.end());
  for (const auto& key : keys) {
    EXPECT_NE(text.find("`" + key + "`"), std::string::npos) << key;
  }
}

}  // namespace
}  // namespace tarmac
