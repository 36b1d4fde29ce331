#include <tarmac/demo/result.h>

#include <algorithm>
#include <numeric>

namespace tarmac::demo {
namespace {

template <class List, class Count>
std::size_t total(const List& list, const Count& count) {
  return std::accumulate(list.begin(), list.end(), std::size_t{0},
                         [&](std::size_t sum, const auto& one) { return sum + count(one); });
}

std::size_t failures_of(const StepResult& step) {
  return total(step.checks, [](const CheckResult& check) { return check.passed ? 0U : 1U; }) +
         (step.error.empty() ? 0U : 1U);
}

}  // namespace

bool StepResult::passed() const noexcept { return failures_of(*this) == 0; }

bool ScenarioResult::passed() const noexcept { return failures() == 0; }

bool ScenarioResult::input_is_wrong() const noexcept {
  return std::any_of(steps.begin(), steps.end(),
                     [](const StepResult& step) { return step.input_is_wrong; });
}

std::size_t ScenarioResult::checks() const noexcept {
  return total(steps, [](const StepResult& step) { return step.checks.size(); });
}

std::size_t ScenarioResult::skipped() const noexcept {
  return total(steps, [](const StepResult& step) {
    return total(step.checks, [](const CheckResult& check) { return check.skipped ? 1U : 0U; });
  });
}

std::size_t ScenarioResult::failures() const noexcept { return total(steps, failures_of); }

std::size_t DemoResult::steps() const noexcept {
  return total(scenarios, [](const ScenarioResult& one) { return one.steps.size(); });
}

std::size_t DemoResult::checks() const noexcept {
  return total(scenarios, [](const ScenarioResult& one) { return one.checks(); });
}

std::size_t DemoResult::skipped() const noexcept {
  return total(scenarios, [](const ScenarioResult& one) { return one.skipped(); });
}

std::size_t DemoResult::failures() const noexcept {
  return total(scenarios, [](const ScenarioResult& one) { return one.failures(); });
}

int DemoResult::exit_status() const noexcept {
  const bool wrong = std::any_of(scenarios.begin(), scenarios.end(),
                                 [](const auto& one) { return one.input_is_wrong(); });
  if (wrong) return 2;
  return failures() == 0 ? 0 : 1;
}

}  // namespace tarmac::demo
