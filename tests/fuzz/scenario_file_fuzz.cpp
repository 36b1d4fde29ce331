// The scenario file: any bytes are read or refused with a place, and `tarmac check`, which reads on
// after a problem, comes to the same verdict.
#include <tarmac/config/yaml_document.h>
#include <tarmac/core/error.h>
#include <tarmac/demo/scenario.h>

#include <optional>

#include "fuzz.h"

namespace {

std::optional<std::string> first_problem(std::string_view text) {
  try {
    const auto scenario = tarmac::demo::parse_scenario(text, "fuzz.yaml");
    tarmac::fuzz::require(!scenario.steps.empty(), "a scenario without steps was read");
    for (const auto& step : scenario.steps) {
      tarmac::fuzz::require(step.cache < scenario.caches.size(), "a step on no cache was read");
    }
    return std::nullopt;
  } catch (const tarmac::ConfigError& error) {
    return error.what();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = tarmac::fuzz::as_text(data, size);
  const auto problem = first_problem(text);
  if (problem) {
    tarmac::fuzz::require(problem->starts_with("fuzz.yaml:"),
                          "refused without a place: " + *problem);
  }
  std::optional<tarmac::YamlNode> root;
  try {
    root = tarmac::parse_yaml(text, "fuzz.yaml");
  } catch (const tarmac::ConfigError&) {
    tarmac::fuzz::require(problem.has_value(), "no YAML, and read as a scenario");
    return 0;
  }
  const auto check = tarmac::demo::check_scenario(*root, "fuzz.yaml");
  tarmac::fuzz::require(check.ok() == !problem, "reading and checking disagree");
  if (problem) {
    tarmac::fuzz::require(
        check.problems.front() == *problem,
        "found first: " + *problem + "\nchecked first: " + check.problems.front());
  }
  return 0;
}
