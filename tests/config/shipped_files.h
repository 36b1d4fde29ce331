// The files of config/ as the tests see them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tarmac {

/// The folder config/ of the source tree.
[[nodiscard]] std::filesystem::path config_folder();
/// tarmac.yaml and all samples, in the order of their names.
[[nodiscard]] std::vector<std::filesystem::path> shipped_files();
[[nodiscard]] std::string text_of(const std::filesystem::path& path);

}  // namespace tarmac
