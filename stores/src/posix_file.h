// Files as a store needs them: owned descriptors, whole reads, replacement in one step.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tarmac::internal {

/// Owns a file descriptor.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) noexcept : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  ~OwnedFd();

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// Creates the folders that are missing, each 0700 and made durable in the one above it. Throws
/// StoreError.
void make_folders(const std::filesystem::path& folder);

/// A folder held open, and one file in it that is read and replaced as a whole. What the path means
/// later, if somebody renames the folder or puts a link in its place, does not matter any more.
///
/// - Exceptions: StoreError with the path and what the system said.
class GuardedFile {
 public:
  /// Makes missing folders, and takes the lock file `<name>.lock` for this object's life: a second
  /// user of the file, in this process or another, is refused.
  explicit GuardedFile(const std::filesystem::path& path);

  /// All of it; empty if there is no such file. Refuses a link, and more than `bytes_max`.
  [[nodiscard]] std::optional<std::string> read(std::size_t bytes_max) const;

  /// Replaces the file by a temporary one, both synced; mode 0600. Before the file is replaced, an
  /// error leaves it as it was. Returns false if only the last step failed: the file has the new
  /// content, and whether that survives a power cut is unknown.
  [[nodiscard]] bool replace(std::string_view content) const;

 private:
  [[noreturn]] void fail(const std::string& what) const;

  std::filesystem::path path_;
  std::string name_;
  OwnedFd folder_;
  OwnedFd lock_;
};

}  // namespace tarmac::internal
