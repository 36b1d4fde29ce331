// Scenario files that tests write.
#pragma once

#include <tarmac/demo/play.h>
#include <tarmac/demo/scenario.h>

#include <filesystem>
#include <string>

namespace tarmac::demo {

[[nodiscard]] std::string text_of(const std::filesystem::path& file);
[[nodiscard]] std::filesystem::path shipped_folder();
/// `steps` for one cache of three entries over a store, written behind.
[[nodiscard]] std::string scenario_of(const std::string& steps);
/// The line of `text` that has `part`, from 1; 0 if none has it.
[[nodiscard]] std::size_t line_of(const std::string& text, const std::string& part);
/// What came of playing `text`.
[[nodiscard]] ScenarioResult played(const std::string& text);

}  // namespace tarmac::demo
