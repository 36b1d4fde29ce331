// A file system of its own in a file, which only root can mount: its power can be cut, and the disk
// below it can be full without its knowing.
#pragma once

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace tarmac {

/// Runs a program of the system without its output. Whether it ended well.
inline bool run_quietly(std::vector<std::string> words) {
  std::vector<char*> raw;
  for (auto& word : words) raw.push_back(word.data());
  raw.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    ::dup2(nowhere, STDOUT_FILENO);
    ::dup2(nowhere, STDERR_FILENO);
    ::setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
    ::execvp(raw[0], raw.data());
    ::_exit(127);
  }
  int status = -1;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// ext4 in `folder`/image, mounted on `folder`/disk; unmounted with it.
class DiskImage {
 public:
  DiskImage(const std::filesystem::path& folder, std::uint64_t bytes)
      : image_(folder / "image"), disk_(folder / "disk") {
    std::filesystem::create_directories(disk_);
    const int file = ::open(image_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const bool sized = file >= 0 && ::ftruncate(file, static_cast<off_t>(bytes)) == 0;
    if (file >= 0) ::close(file);
    if (::geteuid() != 0 || !sized) return;
    // Its own bookkeeping is written now, so that later only content asks for room below.
    if (!run_quietly({"mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0",
                      image_.string()})) {
      return;
    }
    mount();
  }
  DiskImage(const DiskImage&) = delete;
  DiskImage& operator=(const DiskImage&) = delete;
  ~DiskImage() {
    if (mounted_) ::umount2(disk_.c_str(), MNT_DETACH);
  }

  /// False where loop devices cannot be had; then there is no disk.
  [[nodiscard]] bool is_mounted() const noexcept { return mounted_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return disk_; }

  /// From now on nothing reaches the image any more, what the kernel has not written yet neither.
  /// Whether that worked.
  [[nodiscard]] bool cut_power() const {
    constexpr std::uint32_t kWithoutFlush = 2;
    const int folder = ::open(disk_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return false;
    const int done = ::ioctl(folder, _IOR('X', 125, std::uint32_t), &kWithoutFlush);
    ::close(folder);
    return done == 0;
  }
  /// What is on the disk, and nothing that was in memory alone. Whether that worked.
  [[nodiscard]] bool mount_again() {
    if (mounted_ && ::umount(disk_.c_str()) != 0) return false;
    mounted_ = false;
    mount();
    return mounted_;
  }

 private:
  void mount() { mounted_ = run_quietly({"mount", "-o", "loop", image_.string(), disk_.string()}); }

  std::filesystem::path image_;
  std::filesystem::path disk_;
  bool mounted_ = false;
};

}  // namespace tarmac
