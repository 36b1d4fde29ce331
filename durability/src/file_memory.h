// A file that is written to as memory.
#pragma once

#include <tarmac/durability/file_ops.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace tarmac::internal {

/// The reserved bytes of a file, or nothing where the system has no such memory. A write of a few
/// hundred bytes costs less as a store than as a call, and survives the process as well.
///
/// A call that fails says so; a store that fails ends the process. A store to a page that the
/// kernel has made ready does not fail. A sync takes the pages back, and it is when disks fail: so
/// while one runs nothing is stored, and after it pages are made ready anew.
///
/// - Thread-safety: not synchronised.
/// - Exceptions: none.
class FileMemory {
 public:
  FileMemory() = default;
  FileMemory(FileOps& ops, int file, std::size_t bytes) noexcept
      : ops_(&ops), memory_(ops.map(file, bytes)), bytes_(memory_ != nullptr ? bytes : 0) {}
  FileMemory(FileMemory&& other) noexcept { *this = std::move(other); }
  FileMemory& operator=(FileMemory&& other) noexcept {
    std::swap(ops_, other.ops_);
    std::swap(memory_, other.memory_);
    std::swap(bytes_, other.bytes_);
    std::swap(ready_, other.ready_);
    std::swap(is_paused_, other.is_paused_);
    return *this;
  }
  FileMemory(const FileMemory&) = delete;
  FileMemory& operator=(const FileMemory&) = delete;
  ~FileMemory() {
    if (memory_ != nullptr) ops_->unmap(memory_, bytes_);
  }

  /// Whether store() has nothing to ask the system for.
  [[nodiscard]] bool is_ready_for(std::uint64_t bytes, std::uint64_t offset) const noexcept {
    return offset <= ready_ && bytes <= ready_ - offset;
  }
  /// False if they have to be written by a call: nothing was stored. Places are written in their
  /// order.
  [[nodiscard]] bool store(std::string_view bytes, std::uint64_t offset) noexcept;
  /// Until resume() store() does nothing.
  void pause() noexcept {
    is_paused_ = true;
    ready_ = 0;
  }
  /// After a sync.
  void resume() noexcept {
    is_paused_ = false;
    ready_ = 0;
  }

 private:
  FileOps* ops_ = nullptr;
  char* memory_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t ready_ = 0;  ///< from where it was made ready last up to here it is
  bool is_paused_ = false;
};

}  // namespace tarmac::internal
