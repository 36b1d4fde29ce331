// Every call by which a log or a snapshot touches the file system, so that a test can let any of
// them fail, or lose what was not synced.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tarmac {

/// The system's calls, one to one: what fails returns -1 and sets errno. `folder` is an open
/// folder, `name` a file in it.
///
/// - Thread-safety: every member may be called from any thread.
/// - Exceptions: none of its own.
class FileOps {
 public:
  FileOps() = default;
  FileOps(const FileOps&) = delete;
  FileOps& operator=(const FileOps&) = delete;
  virtual ~FileOps() = default;

  /// Makes one folder, 0700.
  virtual int make_folder(const std::string& path) = 0;
  /// For names in it; a link at the end of `path` is refused.
  virtual int open_folder(const std::string& path) = 0;
  /// The names in it, without `.` and `..`, in no order. 0 if all were read.
  virtual int list(int folder, std::vector<std::string>& names) = 0;
  /// As openat(2), with O_CLOEXEC and O_NOFOLLOW; a new file has the mode 0600.
  virtual int open(int folder, const std::string& name, int flags) = 0;
  virtual int close(int file) = 0;
  /// The size of a regular file; -1 with EINVAL for anything else.
  virtual std::int64_t size(int file) = 0;
  virtual ssize_t read(int file, void* bytes, std::size_t count, std::int64_t offset) = 0;
  virtual ssize_t write(int file, const iovec* parts, int count, std::int64_t offset) = 0;
  /// Makes room from the file's start; its size becomes `bytes`, zeros where nothing was written.
  virtual int preallocate(int file, std::int64_t bytes) = 0;
  virtual int truncate(int file, std::int64_t bytes) = 0;
  /// The file's first `bytes`, which are reserved, as memory: what is stored there is the kernel's
  /// at once, as if written. Null where that cannot be, or where a store might find no room: then
  /// there is write().
  virtual char* map(int /*file*/, std::size_t /*bytes*/) { return nullptr; }
  /// Makes a part of such memory ready for stores. Where this fails, nothing may be stored.
  virtual int make_ready(char* /*memory*/, std::size_t /*bytes*/) { return -1; }
  virtual void unmap(char* /*memory*/, std::size_t /*bytes*/) {}
  /// Has the disk write a part of the file, and waits for that; nothing is durable by it. A sync
  /// after it has less to do. What fails is not told again by sync().
  virtual int write_back(int /*file*/, std::int64_t /*offset*/, std::int64_t /*bytes*/) {
    return 0;
  }
  virtual int sync(int file) = 0;
  virtual int sync_folder(int folder) = 0;
  virtual int rename(int folder, const std::string& from, const std::string& to) = 0;
  virtual int remove(int folder, const std::string& name) = 0;
  /// Takes the file for this descriptor alone (`shared`: with other readers), without waiting.
  virtual int lock(int file, bool shared) = 0;
};

/// The real ones. One for the process.
[[nodiscard]] FileOps& posix_file_ops();

}  // namespace tarmac
