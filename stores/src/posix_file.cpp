#include "posix_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <tarmac/core/error.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace tarmac::internal {
namespace {

constexpr mode_t kPrivateFile = 0600;
constexpr mode_t kPrivateFolder = 0700;

std::string reason() { return std::generic_category().message(errno); }

std::filesystem::path parent_of(const std::filesystem::path& path) {
  return path.parent_path().empty() ? std::filesystem::path(".") : path.parent_path();
}

template <class Call>
auto retried(const Call& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const auto written = retried([&] { return ::write(fd, content.data(), content.size()); });
    if (written < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// Removes the temporary file, unless it took the place of the real one.
class Leftover {
 public:
  Leftover(int folder, std::string name) : folder_(folder), name_(std::move(name)) {}
  Leftover(const Leftover&) = delete;
  Leftover& operator=(const Leftover&) = delete;
  ~Leftover() {
    if (!name_.empty()) ::unlinkat(folder_, name_.c_str(), 0);
  }
  void dismiss() noexcept { name_.clear(); }

 private:
  int folder_;
  std::string name_;
};

}  // namespace

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) ::close(fd_);
}

void make_folders(const std::filesystem::path& folder) {
  std::error_code unknown;
  if (folder.empty() || std::filesystem::is_directory(folder, unknown)) return;
  make_folders(folder.parent_path());
  if (::mkdir(folder.c_str(), kPrivateFolder) != 0 && errno != EEXIST) {
    throw StoreError("make the folder " + folder.string() + ": " + reason() +
                     "; make it yourself, or choose another path");
  }
  const auto above = parent_of(folder);
  const OwnedFd parent(::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent.is_open() || ::fsync(parent.get()) != 0) {
    throw StoreError("make the folder " + folder.string() + " durable: " + reason());
  }
}

GuardedFile::GuardedFile(const std::filesystem::path& path)
    : path_(path), name_(path.filename().string()) {
  const auto parent = parent_of(path);
  make_folders(parent);
  folder_ = OwnedFd(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder_.is_open()) fail("open its folder");
  const auto lock_name = name_ + ".lock";
  lock_ = OwnedFd(::openat(folder_.get(), lock_name.c_str(),
                           O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kPrivateFile));
  if (!lock_.is_open()) fail("open its lock file");
  if (retried([&] { return ::flock(lock_.get(), LOCK_EX | LOCK_NB); }) == 0) return;
  if (errno != EWOULDBLOCK) fail("lock it");
  throw StoreError("open " + path_.string() +
                   ": another store uses it, in this process or in another one; let each have a "
                   "file of its own");
}

void GuardedFile::fail(const std::string& what) const {
  throw StoreError("store file " + path_.string() + ": " + what + ": " + reason());
}

std::optional<std::string> GuardedFile::read(std::size_t bytes_max) const {
  // Without O_NONBLOCK a pipe of this name would keep us waiting for ever.
  const OwnedFd file(
      ::openat(folder_.get(), name_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.is_open()) {
    if (errno == ENOENT) return std::nullopt;
    fail("open it");
  }
  struct stat about {};
  if (::fstat(file.get(), &about) != 0) fail("look at it");
  if (!S_ISREG(about.st_mode)) {
    throw StoreError("store file " + path_.string() + " is no regular file; choose another path");
  }
  const auto size = static_cast<std::size_t>(about.st_size);
  if (size > bytes_max) {
    throw StoreError("store file " + path_.string() + " has " + std::to_string(size) +
                     " bytes, and bytes_max is " + std::to_string(bytes_max));
  }
  std::string content(size, '\0');
  std::size_t filled = 0;
  while (filled < size) {
    const auto got =
        retried([&] { return ::read(file.get(), content.data() + filled, size - filled); });
    if (got < 0) fail("read it");
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  content.resize(filled);
  return content;
}

bool GuardedFile::replace(std::string_view content) const {
  const auto temporary = name_ + ".tmp";
  // Left by a process that died; nobody else can be writing it, for we have the lock.
  ::unlinkat(folder_.get(), temporary.c_str(), 0);
  Leftover leftover(folder_.get(), temporary);
  {
    const OwnedFd file(::openat(folder_.get(), temporary.c_str(),
                                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                kPrivateFile));
    if (!file.is_open()) fail("make " + temporary + " beside it");
    if (!write_all(file.get(), content)) fail("write " + temporary + " beside it");
    // Never tried again on the same file: the kernel may have forgotten what it could not write.
    if (::fsync(file.get()) != 0) fail("sync " + temporary + " beside it");
  }
  if (::renameat(folder_.get(), temporary.c_str(), folder_.get(), name_.c_str()) != 0) {
    fail("put " + temporary + " in its place");
  }
  leftover.dismiss();
  return ::fsync(folder_.get()) == 0;
}

}  // namespace tarmac::internal
