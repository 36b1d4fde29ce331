#include "scenario_files.h"

#include <gtest/gtest.h>
#include <tarmac/testing/scratch_folder.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace tarmac::demo {

std::string text_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

std::filesystem::path shipped_folder() {
  return std::filesystem::path(TARMAC_SOURCE_DIR) / "demo" / "scenarios";
}

std::string scenario_of(const std::string& steps) {
  return "title: a test\n"
         "caches:\n"
         "  - {name: c, max_entries: 3, write_policy: write_back, store: memory}\n"
         "steps:\n" +
         steps;
}

std::size_t line_of(const std::string& text, const std::string& part) {
  const auto at = text.find(part);
  if (at == std::string::npos) return 0;
  return static_cast<std::size_t>(
      std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1);
}

ScenarioResult played(const std::string& text) {
  const testing::ScratchFolder folder;
  const std::vector<Scenario> scenarios{load_scenario(folder.write("test.yaml", text))};
  return play(scenarios).scenarios.at(0);
}

}  // namespace tarmac::demo
