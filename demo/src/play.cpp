#include <tarmac/demo/play.h>

#include "stage.h"

#include <exception>

namespace tarmac::demo {
namespace {

double seconds_since(SteadyNanos start) {
  return static_cast<double>(system_clock()->steady_now() - start) / 1e9;
}

CheckResult judge(const Check& check, Stage& stage, StageCache& on, const StepOutput& output) {
  CheckResult result;
  result.subject = check.subject;
  result.line = check.line;
  result.skipped = check.skipped;
  if (check.skipped) return result;
  auto verdict = check.judge(stage, on, output);
  result.passed = verdict.passed;
  result.expected = std::move(verdict.expected);
  result.found = std::move(verdict.found);
  return result;
}

StepResult play_step(const Step& step, Stage& stage) {
  auto& on = stage.cache(step.cache);
  StepResult result;
  result.kind = step.kind;
  result.line = step.line;
  result.cache = on.name();
  try {
    auto output = step.action(stage, on);
    for (const auto& check : step.checks) result.checks.push_back(judge(check, stage, on, output));
    result.subject = std::move(output.subject);
    result.outcome = std::move(output.outcome);
    result.result = std::move(output.result);
    result.tables = std::move(output.tables);
  } catch (const ConfigError& error) {
    result.error = error.what();
    result.input_is_wrong = true;
  } catch (const std::exception& error) {
    result.error = error.what();
  }
  return result;
}

void play_steps(const Scenario& scenario, Stage& stage, PlayListener* listener,
                ScenarioResult& result) {
  for (const auto& step : scenario.steps) {
    result.steps.push_back(play_step(step, stage));
    if (listener != nullptr) listener->on_step(result.steps.back());
    if (!result.steps.back().error.empty()) break;  // What follows builds on it.
  }
  for (const auto& one : stage.caches()) {
    result.caches.push_back({one->cache().describe(), one->cache().stats()});
  }
}

ScenarioResult play_one(const Scenario& scenario, PlayListener* listener,
                        Observation* observation) {
  const auto start = system_clock()->steady_now();
  ScenarioResult result;
  result.file = scenario.file.string();
  result.title = scenario.title;
  if (listener != nullptr) listener->on_scenario(scenario);
  try {
    Stage stage(scenario, listener, observation);
    play_steps(scenario, stage, listener, result);
  } catch (const std::exception& error) {
    // What a step throws is the step's; this comes from making the caches.
    StepResult step;
    step.kind = "caches";
    step.error = error.what();
    result.steps.push_back(step);
    if (listener != nullptr) listener->on_step(step);
  }
  result.seconds = seconds_since(start);
  if (listener != nullptr) listener->on_scenario_done(result);
  return result;
}

}  // namespace

DemoResult play(std::span<const Scenario> scenarios, PlayListener* listener,
                Observation* observation) {
  const auto start = system_clock()->steady_now();
  DemoResult result;
  for (const auto& scenario : scenarios) {
    result.scenarios.push_back(play_one(scenario, listener, observation));
  }
  result.seconds = seconds_since(start);
  return result;
}

}  // namespace tarmac::demo
