// Files in one open folder: whole reads, whole writes, and replacement that survives a power cut.
#pragma once

#include <tarmac/durability/file_ops.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "read_buffer.h"

namespace tarmac::internal {

/// A descriptor that is closed at the end; -1 for none.
class File {
 public:
  File() = default;
  File(FileOps& ops, int descriptor) : ops_(&ops), descriptor_(descriptor) {}
  File(File&& other) noexcept
      : ops_(other.ops_), descriptor_(std::exchange(other.descriptor_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(ops_, other.ops_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  [[nodiscard]] int get() const noexcept { return descriptor_; }
  [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }

 private:
  FileOps* ops_ = nullptr;
  int descriptor_ = -1;
};

/// How a replacement ended.
enum class Replaced : std::uint8_t {
  done,
  before,  ///< it failed, and the file is the old one
  unclear  ///< it failed at the end: after a power cut the file is the old one or the new one
};

/// - Thread-safety: members that take files or names may be called from any thread.
/// - Exceptions: DurabilityError with the path and what the system said, unless a member returns
///   whether it worked; then errno says why not.
class Folder {
 public:
  /// Makes what is missing of `path`, 0700, if `make` says so.
  Folder(FileOps& ops, const std::filesystem::path& path, bool make);

  [[nodiscard]] FileOps& ops() const noexcept { return ops_; }
  [[nodiscard]] std::string path_of(std::string_view name) const;

  /// Not open if it failed.
  [[nodiscard]] File try_open(const std::string& name, int flags) const;
  [[nodiscard]] File open(const std::string& name, int flags) const;
  /// A new file in the place of one of that name; not open if it failed.
  [[nodiscard]] File try_create(const std::string& name) const;
  [[nodiscard]] std::uint64_t size_of(const File& file, const std::string& name) const;
  /// All of it; nullopt if there is no such file.
  [[nodiscard]] std::optional<std::string> read(const std::string& name) const;
  /// The same into `content`, whose memory is used again. False: there is no such file.
  [[nodiscard]] bool read_into(const std::string& name, ReadBuffer& content) const;
  /// Reads until `bytes` are there or the file ends. Returns how many there were.
  [[nodiscard]] std::size_t read_at(const File& file, const std::string& name, char* to,
                                    std::size_t bytes, std::uint64_t offset) const;
  [[nodiscard]] bool write_at(const File& file, std::string_view bytes, std::uint64_t offset) const;
  [[nodiscard]] Replaced replace(const std::string& name, std::string_view content) const;
  /// Puts `temporary`, which is synced, in the place of `name`.
  [[nodiscard]] Replaced put_in_place(const std::string& temporary, const std::string& name) const;
  [[nodiscard]] bool sync() const;
  void remove(const std::string& name) const noexcept;
  [[nodiscard]] std::vector<std::string> names() const;

  [[noreturn]] void fail(std::string_view what, std::string_view name) const;

 private:
  template <class Content>
  bool read_whole(const std::string& name, Content& content) const;

  FileOps& ops_;
  std::filesystem::path path_;
  File folder_;
};

/// What errno says.
[[nodiscard]] std::string system_reason();

inline constexpr std::string_view kTemporaryEnding = ".tmp";

}  // namespace tarmac::internal
