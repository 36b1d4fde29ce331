// Plays scenarios, one after the other.
#pragma once

#include <tarmac/demo/result.h>
#include <tarmac/demo/scenario.h>

#include <span>
#include <string_view>

namespace tarmac::demo {

class Observation;

/// Hears how a demo goes on, on the thread that plays it.
class PlayListener {
 public:
  PlayListener() = default;
  PlayListener(const PlayListener&) = delete;
  PlayListener& operator=(const PlayListener&) = delete;
  virtual ~PlayListener() = default;

  virtual void on_scenario(const Scenario& scenario) = 0;
  /// Now and then during a long step: how much of it is done, between 0 and 1.
  virtual void on_progress(std::string_view what, double fraction) = 0;
  virtual void on_step(const StepResult& step) = 0;
  virtual void on_scenario_done(const ScenarioResult& result) = 0;
};

/// Plays every scenario, whatever becomes of the one before. A failed expectation is reported, and
/// the scenario goes on; a step that throws ends its scenario.
///
/// - Time: each scenario has a clock of its own, which its steps move. Nothing sleeps.
/// - Caches: made for the scenario and gone after it. Expired entries are removed by steps and
///   look-ups only, so that a scenario always goes the same way. (A write-back policy has a thread
///   of its own, which writes what is owed for too long when the clock moves.)
/// - Ownership: `listener` and `observation` may be null; what they point to must outlive the call.
[[nodiscard]] DemoResult play(std::span<const Scenario> scenarios, PlayListener* listener = nullptr,
                              Observation* observation = nullptr);

}  // namespace tarmac::demo
