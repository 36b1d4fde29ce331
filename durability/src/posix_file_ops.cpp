#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <tarmac/durability/file_ops.h>
#include <unistd.h>

#include <cerrno>

namespace tarmac {
namespace {

constexpr mode_t kPrivateFile = 0600;
constexpr mode_t kPrivateFolder = 0700;

/// Whether a store to a reserved page cannot fail for want of room, which would end the process: a
/// file system that writes every page to a new place cannot promise that.
bool keeps_what_is_reserved(int file) noexcept {
  struct statfs about {};
  if (::fstatfs(file, &about) != 0) return false;
  const auto kind = static_cast<std::uint64_t>(about.f_type);
  return kind == EXT4_SUPER_MAGIC || kind == XFS_SUPER_MAGIC || kind == TMPFS_MAGIC;
}

class PosixFileOps final : public FileOps {
 public:
  int make_folder(const std::string& path) override {
    return ::mkdir(path.c_str(), kPrivateFolder);
  }

  int open_folder(const std::string& path) override {
    return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  }

  int list(int folder, std::vector<std::string>& names) override {
    // A descriptor of its own: closedir() closes what it was given.
    const int copy = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return -1;
    DIR* entries = ::fdopendir(copy);
    if (entries == nullptr) {
      ::close(copy);
      return -1;
    }
    errno = 0;
    while (const dirent* entry = ::readdir(entries)) {
      const std::string name = static_cast<const char*>(entry->d_name);
      if (name != "." && name != "..") names.push_back(name);
      errno = 0;
    }
    const int reason = errno;
    ::closedir(entries);
    errno = reason;
    return reason == 0 ? 0 : -1;
  }

  int open(int folder, const std::string& name, int flags) override {
    // Without O_NONBLOCK a pipe of this name would keep us waiting for ever.
    return ::openat(folder, name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                    kPrivateFile);
  }

  int close(int file) override { return ::close(file); }

  std::int64_t size(int file) override {
    struct stat about {};
    if (::fstat(file, &about) != 0) return -1;
    if (S_ISREG(about.st_mode)) return about.st_size;
    errno = EINVAL;
    return -1;
  }

  ssize_t read(int file, void* bytes, std::size_t count, std::int64_t offset) override {
    return ::pread(file, bytes, count, offset);
  }

  ssize_t write(int file, const iovec* parts, int count, std::int64_t offset) override {
    return ::pwritev(file, parts, count, offset);
  }

  int preallocate(int file, std::int64_t bytes) override { return ::fallocate(file, 0, 0, bytes); }

  int truncate(int file, std::int64_t bytes) override { return ::ftruncate(file, bytes); }

  char* map(int file, std::size_t bytes) override {
    if (!keeps_what_is_reserved(file)) return nullptr;
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    return memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
  }
  int make_ready(char* memory, std::size_t bytes) override {
    return ::madvise(memory, bytes, MADV_POPULATE_WRITE);
  }
  void unmap(char* memory, std::size_t bytes) override { ::munmap(memory, bytes); }

  int write_back(int file, std::int64_t offset, std::int64_t bytes) override {
    constexpr unsigned kAll =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    if (::sync_file_range(file, offset, bytes, kAll) == 0) return 0;
    // Some kernels and kinds of files have no such call: then the sync does it all. Anything else
    // may be the disk's, and is told only once.
    return errno == ENOSYS || errno == ESPIPE ? 0 : -1;
  }
  int sync(int file) override { return ::fdatasync(file); }
  int sync_folder(int folder) override { return ::fsync(folder); }

  int rename(int folder, const std::string& from, const std::string& to) override {
    return ::renameat(folder, from.c_str(), folder, to.c_str());
  }

  int remove(int folder, const std::string& name) override {
    return ::unlinkat(folder, name.c_str(), 0);
  }

  int lock(int file, bool shared) override {
    return ::flock(file, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB);
  }
};

}  // namespace

FileOps& posix_file_ops() {
  static PosixFileOps ops;
  return ops;
}

}  // namespace tarmac
