// What the tests of the walkthrough share.
#pragma once

#include <tarmac/interview/markdown.h>
#include <tarmac/interview/stop.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace tarmac::interview {

inline std::filesystem::path in_tree(const std::string& path) {
  return std::filesystem::path(TARMAC_SOURCE_DIR) / path;
}

inline std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline Surroundings quick_surroundings() {
  return {.scenarios = in_tree("demo/scenarios"), .quick = true};
}

inline const char* const kRenewal =
    "docs/interview.md is out of step; renew it: ./run interview --markdown docs/interview.md";

}  // namespace tarmac::interview
