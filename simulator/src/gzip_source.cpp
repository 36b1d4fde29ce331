#include <zlib.h>

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

#include "byte_source.h"

namespace tarmac::internal {
namespace {

constexpr std::size_t kInputBytes = std::size_t{128} << 10U;
/// A gzip wrapper is expected, with the largest window there is.
constexpr int kGzipWindow = 15 + 16;

/// Members that follow each other are one stream, as `gzip -d` reads them.
class GzipSource final : public ByteSource {
 public:
  GzipSource(std::unique_ptr<ByteSource> file, const std::string& head)
      : file_(std::move(file)), compressed_(kInputBytes) {
    if (::inflateInit2(&stream_, kGzipWindow) != Z_OK) throw std::bad_alloc();
    std::copy(head.begin(), head.end(), compressed_.begin());
    take(head.size());
  }
  ~GzipSource() override { ::inflateEnd(&stream_); }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

  std::size_t read(std::span<char> into) override {
    const auto wanted = static_cast<uInt>(std::min<std::size_t>(into.size(), 1U << 30U));
    stream_.next_out = reinterpret_cast<Bytef*>(into.data());
    stream_.avail_out = wanted;
    while (stream_.avail_out == wanted) {
      if (stream_.avail_in == 0 && !more_input()) return 0;
      if (!member_is_open_) open_next_member();
      const int state = ::inflate(&stream_, Z_NO_FLUSH);
      if (state == Z_STREAM_END) {
        member_is_open_ = false;
      } else if (state != Z_OK && state != Z_BUF_ERROR) {
        throw Damage{std::string("the compressed data are damaged (") +
                     (stream_.msg == nullptr ? "gzip" : stream_.msg) + "); copy the file again"};
      }
    }
    return wanted - stream_.avail_out;
  }
  [[nodiscard]] TraceProgress progress() const noexcept override { return file_->progress(); }

 private:
  void take(std::size_t bytes) {
    stream_.next_in = reinterpret_cast<Bytef*>(compressed_.data());
    stream_.avail_in = static_cast<uInt>(bytes);
  }

  /// False at the end of the file.
  bool more_input() {
    const std::size_t got = file_->read(compressed_);
    take(got);
    if (got == 0 && member_is_open_) {
      throw Damage{"the compressed data end too early, the file was cut short; copy it again"};
    }
    return got > 0;
  }

  void open_next_member() {
    ::inflateReset(&stream_);
    member_is_open_ = true;
  }

  std::unique_ptr<ByteSource> file_;
  std::vector<char> compressed_;
  z_stream stream_{};
  bool member_is_open_ = true;
};

}  // namespace

std::unique_ptr<ByteSource> make_gzip_source(std::unique_ptr<ByteSource> file,
                                             const std::string& head) {
  return std::make_unique<GzipSource>(std::move(file), head);
}

}  // namespace tarmac::internal
