#include "shipped_files.h"

#include <tarmac/core/backing_store.h>

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
    // The stores that can be switched off.
    const auto part = entry.path().stem().string();
    const auto names = store_registry().names();
    const bool optional = part == "sqlite" || part == "redis";
    if (optional && std::find(names.begin(), names.end(), part) == names.end()) continue;
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
