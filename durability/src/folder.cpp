#include "folder.h"

#include <fcntl.h>
#include <tarmac/core/error.h>

#include <cerrno>
#include <system_error>

namespace tarmac::internal {
namespace {

template <class Call>
auto retried(const Call& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

std::filesystem::path parent_of(const std::filesystem::path& path) {
  return path.parent_path().empty() ? std::filesystem::path(".") : path.parent_path();
}

/// Without an ending slash, behind which a link would be followed.
std::filesystem::path plain(const std::filesystem::path& path) {
  const auto normal = path.lexically_normal();
  return normal.has_filename() ? normal : parent_of(normal);
}

void make_folders(FileOps& ops, const std::filesystem::path& path) {
  std::error_code unknown;
  if (path.empty() || std::filesystem::is_directory(path, unknown)) return;
  make_folders(ops, path.parent_path());
  if (ops.make_folder(path.string()) != 0 && errno != EEXIST) {
    throw DurabilityError("make the folder " + path.string() + ": " + system_reason() +
                          "; make it yourself, or choose another path");
  }
  // The folder above may be a link; only the last folder may not be one.
  const auto above = std::filesystem::canonical(parent_of(path), unknown);
  const File parent(ops, ops.open_folder(above.string()));
  if (!parent.is_open() || ops.sync_folder(parent.get()) != 0) {
    throw DurabilityError("make the folder " + path.string() + " durable: " + system_reason());
  }
}

}  // namespace

std::string system_reason() { return std::generic_category().message(errno); }

File::~File() {
  if (descriptor_ >= 0) ops_->close(descriptor_);
}

Folder::Folder(FileOps& ops, const std::filesystem::path& path, bool make)
    : ops_(ops), path_(plain(path)) {
  if (make) make_folders(ops_, path_);
  folder_ = File(ops_, retried([&] { return ops_.open_folder(path_.string()); }));
  if (folder_.is_open()) return;
  std::error_code unknown;
  const bool is_link = std::filesystem::is_symlink(path_, unknown);
  throw DurabilityError("open the folder " + path_.string() + ": " +
                        (is_link ? "it is a link; name the folder itself" : system_reason()));
}

std::string Folder::path_of(std::string_view name) const { return (path_ / name).string(); }

void Folder::fail(std::string_view what, std::string_view name) const {
  throw DurabilityError(path_of(name) + ": " + std::string(what) + ": " + system_reason());
}

File Folder::try_open(const std::string& name, int flags) const {
  return {ops_, retried([&] { return ops_.open(folder_.get(), name, flags); })};
}

File Folder::open(const std::string& name, int flags) const {
  auto file = try_open(name, flags);
  if (!file.is_open()) fail("open it", name);
  return file;
}

File Folder::try_create(const std::string& name) const {
  if (ops_.remove(folder_.get(), name) != 0 && errno != ENOENT) return {};
  return try_open(name, O_RDWR | O_CREAT | O_EXCL);
}

std::uint64_t Folder::size_of(const File& file, const std::string& name) const {
  const auto size = ops_.size(file.get());
  if (size < 0) fail("look at it", name);
  return static_cast<std::uint64_t>(size);
}

template <class Content>
bool Folder::read_whole(const std::string& name, Content& content) const {
  const auto file = try_open(name, O_RDONLY);
  if (!file.is_open()) {
    if (errno == ENOENT) return false;
    fail("open it", name);
  }
  content.resize(size_of(file, name));
  content.resize(read_at(file, name, content.data(), content.size(), 0));
  return true;
}

std::optional<std::string> Folder::read(const std::string& name) const {
  std::string content;
  if (!read_whole(name, content)) return std::nullopt;
  return content;
}

bool Folder::read_into(const std::string& name, ReadBuffer& content) const {
  return read_whole(name, content);
}

std::size_t Folder::read_at(const File& file, const std::string& name, char* to, std::size_t bytes,
                            std::uint64_t offset) const {
  std::size_t filled = 0;
  while (filled < bytes) {
    const auto got = retried([&] {
      return ops_.read(file.get(), to + filled, bytes - filled,
                       static_cast<std::int64_t>(offset + filled));
    });
    if (got < 0) fail("read it", name);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

bool Folder::write_at(const File& file, std::string_view bytes, std::uint64_t offset) const {
  while (!bytes.empty()) {
    const auto written = retried([&] {
      // The call only reads what it is given.
      const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
      return ops_.write(file.get(), &part, 1, static_cast<std::int64_t>(offset));
    });
    if (written < 0) return false;
    if (written == 0) {
      errno = ENOSPC;
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return true;
}

Replaced Folder::replace(const std::string& name, std::string_view content) const {
  const auto temporary = name + std::string(kTemporaryEnding);
  {
    const auto file = try_create(temporary);
    // Never tried again on the same file: the kernel may have forgotten what it could not write.
    if (!file.is_open() || !write_at(file, content, 0) || ops_.sync(file.get()) != 0) {
      const int reason = errno;
      remove(temporary);
      errno = reason;
      return Replaced::before;
    }
  }
  return put_in_place(temporary, name);
}

Replaced Folder::put_in_place(const std::string& temporary, const std::string& name) const {
  if (ops_.rename(folder_.get(), temporary, name) != 0) {
    const int reason = errno;
    remove(temporary);
    errno = reason;
    return Replaced::before;
  }
  return sync() ? Replaced::done : Replaced::unclear;
}

bool Folder::sync() const { return ops_.sync_folder(folder_.get()) == 0; }

void Folder::remove(const std::string& name) const noexcept {
  // What stays is removed when the folder is next opened.
  static_cast<void>(ops_.remove(folder_.get(), name));
}

std::vector<std::string> Folder::names() const {
  std::vector<std::string> names;
  if (ops_.list(folder_.get(), names) != 0) fail("list it", "");
  return names;
}

}  // namespace tarmac::internal
