#include <tarmac/demo/json_report.h>

#include "figures.h"

#include <nlohmann/json.hpp>

namespace tarmac::demo {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const CheckResult& check) {
  Json json{{"subject", check.subject}, {"line", check.line}, {"passed", check.passed}};
  if (check.skipped) {
    json["skipped"] = true;
  } else {
    json["expected"] = check.expected;
    json["found"] = check.found;
  }
  return json;
}

Json to_json(const Table& table) {
  Json rows = Json::array();
  for (const auto& row : table.rows) {
    Json cells = Json::array();
    for (const auto& cell : row) cells.push_back(cell.text);
    rows.push_back(std::move(cells));
  }
  return {{"header", table.header}, {"rows", std::move(rows)}};
}

Json to_json(const StepResult& step) {
  Json json{{"kind", step.kind},       {"line", step.line},       {"cache", step.cache},
            {"subject", step.subject}, {"outcome", step.outcome}, {"passed", step.passed()}};
  if (!step.result.empty()) json["result"] = step.result;
  if (!step.error.empty()) json["error"] = step.error;
  json["checks"] = Json::array();
  for (const auto& check : step.checks) json["checks"].push_back(to_json(check));
  if (!step.tables.empty()) {
    json["tables"] = Json::array();
    for (const auto& table : step.tables) json["tables"].push_back(to_json(table));
  }
  return json;
}

Json to_json(const CacheFigures& cache) {
  Json stats;
  for (const auto& figure : figures()) stats[std::string(figure.name)] = figure.count(cache.stats);
  stats["hit_ratio"] = cache.stats.hit_ratio();
  Json json{{"name", cache.parts.name},
            {"strategy", cache.parts.strategy},
            {"write_policy", cache.parts.write_policy}};
  json["store"] = cache.parts.store.empty() ? Json() : Json(cache.parts.store);
  json["stats"] = std::move(stats);
  return json;
}

Json to_json(const ScenarioResult& scenario) {
  Json json{{"file", scenario.file},
            {"title", scenario.title},
            {"passed", scenario.passed()},
            {"seconds", scenario.seconds}};
  json["steps"] = Json::array();
  for (const auto& step : scenario.steps) json["steps"].push_back(to_json(step));
  json["caches"] = Json::array();
  for (const auto& cache : scenario.caches) json["caches"].push_back(to_json(cache));
  return json;
}

std::string_view status_of(const DemoResult& result) {
  switch (result.exit_status()) {
    case 0:
      return "passed";
    case 1:
      return "failed";
    default:
      return "wrong_input";
  }
}

}  // namespace

std::string to_json(const DemoResult& result, std::string_view version) {
  Json json{{"tarmac", version}, {"status", status_of(result)}};
  json["scenarios"] = Json::array();
  for (const auto& scenario : result.scenarios) json["scenarios"].push_back(to_json(scenario));
  json["totals"] = {{"scenarios", result.scenarios.size()}, {"steps", result.steps()},
                    {"expectations", result.checks()},      {"skipped", result.skipped()},
                    {"failed", result.failures()},          {"seconds", result.seconds}};
  // File names may be anything; a document that cannot be read would help nobody.
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace tarmac::demo
