// A trace's bytes cut into pieces: lines of text, or records of one length.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "byte_source.h"

namespace tarmac::internal {

/// A line without its end, or a record. The byte behind a line can be read and is no digit, so that
/// scanning a number needs no bound.
struct Piece {
  std::string_view text;
  /// False for a last line without a line end.
  bool ended = true;
};

/// What is wrong with one piece, and the mend; the rest of the trace can still be read.
struct Malformed {
  std::string message;
};

/// Reads pieces in bounded memory: 2 MiB and what the decompressor needs.
class TraceInput {
 public:
  /// Longer than any line of a right trace.
  static constexpr std::size_t kLineBytesMax = std::size_t{1} << 20U;

  /// Throws Damage if the file cannot be opened.
  explicit TraceInput(const std::filesystem::path& file);

  /// The next bytes, at most `bytes` of them, without moving on. Fewer at the end, and before a
  /// damaged place.
  [[nodiscard]] std::string_view peek(std::size_t bytes);
  /// Each returns false at the end of the trace; throws Damage where the bytes are damaged before
  /// the piece ends, and Malformed for a piece that does not fit, of which it skips the rest.
  /// What `piece` shows is valid until the next call.
  [[nodiscard]] bool next_line(Piece& piece);
  [[nodiscard]] bool next_record(Piece& piece, std::size_t bytes);

  /// Throws Damage if damaged bytes follow those in memory.
  void expect_no_damage() const;

  [[nodiscard]] TraceProgress progress() const noexcept { return source_->progress(); }

 private:
  [[nodiscard]] std::size_t left() const noexcept {
    return static_cast<std::size_t>(end_ - cursor_);
  }
  void refill();
  void skip_to_line_end();

  std::unique_ptr<ByteSource> source_;
  // Not filled with zeros: most of it is never touched for a short trace.
  std::unique_ptr<char[]> buffer_;
  const char* cursor_ = nullptr;
  const char* end_ = nullptr;
  bool ended_ = false;
  /// What is wrong behind the bytes in the buffer; empty if nothing is.
  std::string damage_;
};

}  // namespace tarmac::internal
