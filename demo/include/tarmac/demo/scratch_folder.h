// A folder for what a demonstration leaves on a disk, gone with it.
#pragma once

#include <filesystem>

namespace tarmac::demo {

/// Makes an empty folder of its own among the machine's temporary files, which only its owner may
/// enter, and removes it with all that is in it then. Not thread-safe.
class ScratchFolder {
 public:
  /// Throws Error if there can be no folder.
  ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  /// What cannot be removed stays: the system clears its temporary files.
  ~ScratchFolder();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace tarmac::demo
