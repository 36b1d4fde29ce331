// A folder of its own for a test, gone with it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace tarmac::testing {

/// Where a ScratchFolder lies.
enum class ScratchPlace : unsigned char {
  /// In memory where the machine has such a place, so that thousands of syncs cost nothing.
  memory,
  /// In the machine's folder for temporary files: on a disk, if that is.
  disk,
};

/// Makes an empty folder, and removes it with all that is in it then. Not thread-safe.
class ScratchFolder {
 public:
  /// Throws std::runtime_error if there can be no folder.
  explicit ScratchFolder(ScratchPlace place = ScratchPlace::memory);
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
    return path_ / name;
  }

  /// Makes the file `name`, or overwrites it, and gives its path. Throws std::runtime_error if it
  /// cannot.
  std::filesystem::path write(const std::string& name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

}  // namespace tarmac::testing
