// The experiment of a stop that is about a scenario of the demo.
#pragma once

#include <tarmac/demo/result.h>
#include <tarmac/interview/stop.h>

#include <functional>
#include <string_view>

namespace tarmac::interview {

/// Plays the shipped scenario `name` on its own clock, and shows what its caches counted and
/// whether its expectations held. `pick`, if there is one, adds what this scenario is about.
[[nodiscard]] Findings play_scenario(
    const Surroundings& surroundings, std::string_view name,
    const std::function<void(const demo::ScenarioResult&, Findings&)>& pick = nullptr);

/// A line for each step of the kinds that are named, with what came of it.
[[nodiscard]] demo::Table steps_of(const demo::ScenarioResult& result,
                                   std::initializer_list<std::string_view> kinds);

}  // namespace tarmac::interview
