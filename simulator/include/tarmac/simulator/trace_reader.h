// Reads a request trace, one request at a time, from a CSV file, plain or compressed with zstd.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac {

/// One line of a trace. A column that the trace lacks leaves its default.
struct Request {
  /// Never decreasing; in seconds unless the trace's description says otherwise. Without the
  /// column: the number of the request, from 0.
  std::uint64_t time = 0;
  std::uint64_t key = 0;
  /// Bytes, at least 1. A trace gives every key one size; the reader does not check that, because
  /// it would have to remember every key.
  std::uint64_t size = 1;
  bool is_write = false;
  /// Zero: none.
  std::chrono::seconds ttl{0};
};

/// How far a reader has come, in bytes of the file as it lies on the disk.
struct TraceProgress {
  std::uint64_t bytes_read = 0;
  /// Empty where the end is not known before it is reached (a pipe).
  std::optional<std::uint64_t> bytes_total;

  /// Between 0 and 1; 0 while the total is not known.
  [[nodiscard]] double fraction() const noexcept;
};

namespace internal {
class ByteSource;
}  // namespace internal

/// A trace file, read from its first request to its last in bounded memory (under 2 MiB, and for a
/// compressed file the window it was compressed with, at most 128 MiB).
///
/// The first line names the columns: some of `time,key,size,op,ttl`, in this order, with `key`
/// always among them. Every further line is one request: decimal numbers, `op` is `r` or `w`; no
/// blanks, no quotes, `\n` ends every line, the last one too. Whether a file is compressed is told
/// by its first bytes, not by its name.
///
/// - Thread-safety: not synchronised.
/// - Exceptions: ConfigError (`FILE:LINE: what is wrong; what to do`) for anything else. It comes
///   when the reader gets there: what could be read before a damaged place has been delivered. The
///   reader then stays there, and each further next() throws the same.
class TraceReader {
 public:
  /// Opens the file and reads its header.
  explicit TraceReader(std::filesystem::path file);
  TraceReader(TraceReader&&) noexcept;
  TraceReader& operator=(TraceReader&&) noexcept;
  ~TraceReader();

  /// Fills `request` with the next one and returns true, or returns false after the last. `request`
  /// is only changed when it returns true.
  [[nodiscard]] bool next(Request& request);

  [[nodiscard]] TraceProgress progress() const noexcept;
  /// Requests delivered so far.
  [[nodiscard]] std::uint64_t requests() const noexcept { return requests_; }
  [[nodiscard]] bool has_size() const noexcept { return has_size_; }
  [[nodiscard]] bool has_ttl() const noexcept { return has_ttl_; }
  [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }

 private:
  void refill();
  void read_header();
  void accept_columns(std::string_view header);
  [[nodiscard]] std::uint64_t read_number(std::string_view column);
  [[nodiscard]] bool read_operation();
  void end_field(bool is_last, std::string_view column);
  [[noreturn]] void fail(const std::string& message) const;
  [[noreturn]] void fail_at_end() const;
  [[noreturn]] void fail_in_field(std::string_view column, const char* start) const;

  std::filesystem::path file_;
  std::unique_ptr<internal::ByteSource> source_;
  /// A zero byte follows the last byte read, so that scanning a number needs no bound.
  std::vector<char> buffer_;
  const char* cursor_ = nullptr;
  const char* end_ = nullptr;
  bool source_ended_ = false;
  /// What is wrong behind the bytes in the buffer; empty if nothing is.
  std::string damage_;

  bool has_time_ = false;
  bool has_size_ = false;
  bool has_op_ = false;
  bool has_ttl_ = false;
  std::string_view last_column_;

  std::uint64_t line_ = 1;
  std::uint64_t requests_ = 0;
  std::uint64_t previous_time_ = 0;
};

}  // namespace tarmac
