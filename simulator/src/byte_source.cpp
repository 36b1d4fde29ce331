#include "byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

namespace tarmac::internal {
namespace {

constexpr std::size_t kMagicBytes = 4;

std::string reason(int error) { return std::generic_category().message(error); }

/// A file's bytes as they are, and what is known of its length.
class FileSource final : public ByteSource {
 public:
  explicit FileSource(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) throw Damage{"cannot be opened: " + reason(errno) + "; check the path"};
    struct stat status {};
    // Without a status the total stays unknown, and read() reports what is wrong with the file.
    if (::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode)) {
      total_ = static_cast<std::uint64_t>(status.st_size);
    }
  }
  ~FileSource() override { ::close(fd_); }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  std::size_t read(std::span<char> into) override {
    ssize_t got = -1;
    do {
      got = ::read(fd_, into.data(), into.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
      throw Damage{"cannot be read: " + reason(errno) + "; name a file that holds a trace"};
    }
    read_ += static_cast<std::uint64_t>(got);
    return static_cast<std::size_t>(got);
  }

  [[nodiscard]] TraceProgress progress() const noexcept override { return {read_, total_}; }

 private:
  int fd_;
  std::uint64_t read_ = 0;
  std::optional<std::uint64_t> total_;
};

/// The bytes of a stream whose head has been read already.
class PlainSource final : public ByteSource {
 public:
  PlainSource(std::unique_ptr<ByteSource> file, std::string head)
      : file_(std::move(file)), head_(std::move(head)) {}

  std::size_t read(std::span<char> into) override {
    if (head_.empty()) return file_->read(into);
    const std::size_t taken = std::min(into.size(), head_.size());
    std::copy_n(head_.begin(), taken, into.begin());
    head_.erase(0, taken);
    return taken;
  }
  [[nodiscard]] TraceProgress progress() const noexcept override { return file_->progress(); }

 private:
  std::unique_ptr<ByteSource> file_;
  std::string head_;
};

/// Whether a file packed with zstd could begin with these bytes. A file shorter than the magic
/// number counts as packed if it agrees as far as it goes, so that a cut one is called cut.
bool looks_like_zstd(std::string_view head) {
  constexpr std::string_view kFrame = "\x28\xB5\x2F\xFD";
  if (head.empty()) return false;
  if (kFrame.starts_with(head.substr(0, kMagicBytes))) return true;
  // Skippable frames, which some tools put in front: 0x184D2A50 to 0x184D2A5F, low byte first.
  return head.size() >= kMagicBytes && (static_cast<unsigned char>(head[0]) & 0xF0U) == 0x50U &&
         head.substr(1, 3) == "\x2A\x4D\x18";
}

/// The same for gzip: two bytes of magic and the one method there is.
bool looks_like_gzip(std::string_view head) {
  constexpr std::string_view kMagic = "\x1F\x8B\x08";
  return !head.empty() && kMagic.starts_with(head.substr(0, kMagic.size()));
}

}  // namespace

std::unique_ptr<ByteSource> open_byte_source(const std::filesystem::path& path) {
  auto file = std::make_unique<FileSource>(path);
  std::array<char, kMagicBytes> bytes{};
  std::size_t got = 0;
  while (got < bytes.size()) {
    const std::size_t more = file->read(std::span(bytes).subspan(got));
    if (more == 0) break;
    got += more;
  }
  std::string head(bytes.data(), got);
  if (looks_like_zstd(head)) return make_zstd_source(std::move(file), head);
  if (looks_like_gzip(head)) return make_gzip_source(std::move(file), head);
  return std::make_unique<PlainSource>(std::move(file), std::move(head));
}

}  // namespace tarmac::internal
