#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

#include "byte_source.h"

namespace tarmac::internal {
namespace {

struct FreeDecompressor {
  void operator()(ZSTD_DStream* stream) const noexcept { ZSTD_freeDStream(stream); }
};

class ZstdSource final : public ByteSource {
 public:
  ZstdSource(std::unique_ptr<ByteSource> file, const std::string& head)
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

  std::unique_ptr<ByteSource> file_;
  std::unique_ptr<ZSTD_DStream, FreeDecompressor> stream_;
  std::vector<char> compressed_;
  ZSTD_inBuffer input_{};
  bool frame_is_open_ = true;
  bool holds_output_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> make_zstd_source(std::unique_ptr<ByteSource> file,
                                             const std::string& head) {
  return std::make_unique<ZstdSource>(std::move(file), head);
}

}  // namespace tarmac::internal
