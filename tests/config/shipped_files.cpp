#include "shipped_files.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace tarmac {

std::filesystem::path config_folder() {
  return std::filesystem::path(TARMAC_SOURCE_DIR) / "config";
}

std::vector<std::filesystem::path> shipped_files() {
  std::vector<std::filesystem::path> paths{config_folder() / "tarmac.yaml"};
  for (const auto& entry : std::filesystem::directory_iterator(config_folder() / "samples")) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string text_of(const std::filesystem::path& path) {
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace tarmac
