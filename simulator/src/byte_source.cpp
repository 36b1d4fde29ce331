#include "byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace tarmac::internal {
namespace {

constexpr std::size_t kMagicBytes = 4;

std::string reason(int error) { return std::generic_category().message(error); }

/// A file descriptor, and what is known of its length.
class File {
 public:
  explicit File(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) throw Damage{"cannot be opened: " + reason(errno) + "; check the path"};
    struct stat status {};
    // Without a status the total stays unknown, and read() reports what is wrong with the file.
    if (::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode)) {
      total_ = static_cast<std::uint64_t>(status.st_size);
    }
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(fd_); }

  std::size_t read(std::span<char> into) {
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

  [[nodiscard]] TraceProgress progress() const noexcept { return {read_, total_}; }

 private:
  int fd_;
  std::uint64_t read_ = 0;
  std::optional<std::uint64_t> total_;
};

/// The bytes as they are. `head` was read already, to look at the magic bytes.
class PlainSource final : public ByteSource {
 public:
  PlainSource(std::unique_ptr<File> file, std::string head)
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
  std::unique_ptr<File> file_;
  std::string head_;
};

struct FreeDecompressor {
  void operator()(ZSTD_DStream* stream) const noexcept { ZSTD_freeDStream(stream); }
};

class ZstdSource final : public ByteSource {
 public:
  ZstdSource(std::unique_ptr<File> file, const std::string& head)
      : file_(std::move(file)), stream_(ZSTD_createDStream()), compressed_(ZSTD_DStreamInSize()) {
    if (stream_ == nullptr) throw std::bad_alloc();
    std::copy(head.begin(), head.end(), compressed_.begin());
    input_ = {compressed_.data(), head.size(), 0};
  }

  std::size_t read(std::span<char> into) override {
    ZSTD_outBuffer output{into.data(), into.size(), 0};
    while (output.pos == 0) {
      if (input_.pos == input_.size && !holds_output_ && !more_input()) return 0;
      const std::size_t state = ZSTD_decompressStream(stream_.get(), &output, &input_);
      if (ZSTD_isError(state) != 0) throw damaged(state);
      frame_is_open_ = state != 0;
      // With its output full, the decompressor may have more to give without any more input.
      holds_output_ = frame_is_open_ && output.pos == output.size;
    }
    return output.pos;
  }
  [[nodiscard]] TraceProgress progress() const noexcept override { return file_->progress(); }

 private:
  /// False at the end of the file.
  bool more_input() {
    const std::size_t got = file_->read(compressed_);
    input_ = {compressed_.data(), got, 0};
    if (got == 0 && frame_is_open_) {
      throw Damage{"the compressed data end in mid-frame, the file was cut short; copy it again"};
    }
    return got > 0;
  }

  static Damage damaged(std::size_t state) {
    if (ZSTD_getErrorCode(state) == ZSTD_error_frameParameter_windowTooLarge) {
      return {
          "the compression window is larger than 128 MiB; compress the trace again without "
          "--long or --ultra"};
    }
    return {std::string("the compressed data are damaged (") + ZSTD_getErrorName(state) +
            "); copy the file again"};
  }

  std::unique_ptr<File> file_;
  std::unique_ptr<ZSTD_DStream, FreeDecompressor> stream_;
  std::vector<char> compressed_;
  ZSTD_inBuffer input_{};
  bool frame_is_open_ = true;
  bool holds_output_ = false;
};

/// Whether a compressed file could begin with these bytes. A file shorter than the magic number
/// counts as compressed if it agrees as far as it goes, so that a cut one is called cut.
bool looks_compressed(std::string_view head) {
  constexpr std::string_view kFrame = "\x28\xB5\x2F\xFD";
  if (head.empty()) return false;
  if (kFrame.starts_with(head.substr(0, kMagicBytes))) return true;
  // Skippable frames, which some tools put in front: 0x184D2A50 to 0x184D2A5F, low byte first.
  return head.size() >= kMagicBytes && (static_cast<unsigned char>(head[0]) & 0xF0U) == 0x50U &&
         head.substr(1, 3) == "\x2A\x4D\x18";
}

}  // namespace

std::unique_ptr<ByteSource> open_byte_source(const std::filesystem::path& path) {
  auto file = std::make_unique<File>(path);
  std::array<char, kMagicBytes> bytes{};
  std::size_t got = 0;
  while (got < bytes.size()) {
    const std::size_t more = file->read(std::span(bytes).subspan(got));
    if (more == 0) break;
    got += more;
  }
  std::string head(bytes.data(), got);
  if (looks_compressed(head)) return std::make_unique<ZstdSource>(std::move(file), head);
  return std::make_unique<PlainSource>(std::move(file), std::move(head));
}

}  // namespace tarmac::internal
