#include "trace_input.h"

#include <algorithm>
#include <cstring>

namespace tarmac::internal {
namespace {

constexpr std::size_t kBufferBytes = 2 * TraceInput::kLineBytesMax;
/// At a time, so that progress is told in small steps.
constexpr std::size_t kBlockBytes = std::size_t{1} << 20U;

}  // namespace

TraceInput::TraceInput(const std::filesystem::path& file)
    : source_(open_byte_source(file)),
      buffer_(std::make_unique_for_overwrite<char[]>(kBufferBytes + 1)) {
  cursor_ = end_ = buffer_.get();
}

std::string_view TraceInput::peek(std::size_t bytes) {
  while (left() < bytes && !ended_) refill();
  return {cursor_, std::min(bytes, left())};
}

bool TraceInput::next_line(Piece& piece) {
  std::size_t searched = 0;
  while (true) {
    const auto* const found =
        static_cast<const char*>(std::memchr(cursor_ + searched, '\n', left() - searched));
    if (found != nullptr) {
      piece = {{cursor_, static_cast<std::size_t>(found - cursor_)}, true};
      cursor_ = found + 1;
      return true;
    }
    searched = left();
    if (ended_) break;
    if (searched >= kLineBytesMax) {
      skip_to_line_end();
      throw Malformed{"the line is longer than " + std::to_string(kLineBytesMax) +
                      " bytes, which no request is; check that the file is a trace"};
    }
    refill();
  }
  expect_no_damage();
  if (cursor_ == end_) return false;
  piece = {{cursor_, left()}, false};
  cursor_ = end_;
  return true;
}

bool TraceInput::next_record(Piece& piece, std::size_t bytes) {
  while (left() < bytes && !ended_) refill();
  if (left() >= bytes) {
    piece = {{cursor_, bytes}, true};
    cursor_ += bytes;
    return true;
  }
  expect_no_damage();
  const std::size_t rest = left();
  cursor_ = end_;
  if (rest == 0) return false;
  throw Malformed{"the file ends after " + std::to_string(rest) + " of the record's " +
                  std::to_string(bytes) + " bytes; it was cut short, or has another format"};
}

/// Moves what is left to the front and reads until something more is there or the file ends.
void TraceInput::refill() {
  const std::size_t kept = left();
  std::memmove(buffer_.get(), cursor_, kept);
  std::size_t filled = kept;
  try {
    const std::size_t wanted = std::min(kBufferBytes - filled, kBlockBytes);
    const std::size_t got = source_->read(std::span(buffer_.get() + filled, wanted));
    ended_ = got == 0;
    filled += got;
  } catch (const Damage& damage) {
    // Reported when what came before it has been delivered.
    damage_ = damage.message;
    ended_ = true;
  }
  cursor_ = buffer_.get();
  end_ = buffer_.get() + filled;
  buffer_[filled] = '\0';
}

void TraceInput::skip_to_line_end() {
  while (true) {
    const auto* const found = static_cast<const char*>(std::memchr(cursor_, '\n', left()));
    if (found != nullptr) {
      cursor_ = found + 1;
      return;
    }
    cursor_ = end_;
    if (ended_) return;
    refill();
  }
}

void TraceInput::expect_no_damage() const {
  if (!damage_.empty()) throw Damage{damage_};
}

}  // namespace tarmac::internal
