// Where a trace's bytes come from: a file read in blocks, decompressed on the way if need be.
#pragma once

#include <tarmac/simulator/trace_reader.h>

#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace tarmac::internal {

/// A stream of plain bytes.
/// - Exceptions: read() throws Damage, which the reader turns into an error with the line's number.
class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;
  /// Fills the front of `into` and returns how much, 0 only at the end of the stream.
  virtual std::size_t read(std::span<char> into) = 0;
  [[nodiscard]] virtual TraceProgress progress() const noexcept = 0;
};

/// What is wrong with the bytes, and the mend. The source does not know the line.
struct Damage {
  std::string message;
};

/// Opens `file` and looks at its first bytes to tell whether it is compressed. Throws Damage.
[[nodiscard]] std::unique_ptr<ByteSource> open_byte_source(const std::filesystem::path& file);

// Decompressors over a stream of which `head` has been read already, to look at the magic bytes.
[[nodiscard]] std::unique_ptr<ByteSource> make_zstd_source(std::unique_ptr<ByteSource> file,
                                                           const std::string& head);
[[nodiscard]] std::unique_ptr<ByteSource> make_gzip_source(std::unique_ptr<ByteSource> file,
                                                           const std::string& head);

}  // namespace tarmac::internal
