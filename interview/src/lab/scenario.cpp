#include "lab/scenario.h"

#include <tarmac/demo/play.h>
#include <tarmac/demo/text_view.h>
#include <tarmac/demo/words.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tarmac::interview {

Findings play_scenario(const Surroundings& surroundings, std::string_view name,
                       const std::function<void(const demo::ScenarioResult&, Findings&)>& pick) {
  const std::array<demo::Scenario, 1> scenario{
      demo::load_scenario(surroundings.scenarios / (std::string(name) + ".yaml"))};
  const auto result = demo::play(scenario);
  const auto& played = result.scenarios.front();
  Findings findings;
  if (pick) pick(played, findings);
  findings.add(demo::table_of(played.caches));
  findings.claim(
      fmt::format("{}, {}, {} failed; {:.0f} ms", demo::counted(result.steps(), "step", "steps"),
                  demo::counted(result.checks(), "expectation", "expectations"), result.failures(),
                  result.seconds * 1e3),
      played.passed());
  findings.facts["steps"] = static_cast<double>(result.steps());
  findings.facts["expectations"] = static_cast<double>(result.checks());
  findings.facts["failed"] = static_cast<double>(result.failures());
  return findings;
}

demo::Table steps_of(const demo::ScenarioResult& result,
                     std::initializer_list<std::string_view> kinds) {
  demo::Table table{{"step", "on", "what came of it"}, {}};
  for (const auto& step : result.steps) {
    if (std::find(kinds.begin(), kinds.end(), step.kind) == kinds.end()) continue;
    table.rows.push_back(
        {{step.kind}, {demo::shortened(step.subject, 30)}, {demo::shortened(step.outcome, 52)}});
  }
  return table;
}

}  // namespace tarmac::interview
