// Reads a request trace, one request at a time, whatever its form; plain, or packed with gzip or
// zstd.
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
  /// Bytes, at least 1. May differ from one request of a key to the next, as published traces do.
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

struct TraceOptions {
  /// One of trace_formats(); empty: told by the file's first line, else by its name.
  std::string format;
  /// Whether the first malformed line ends the reading. Otherwise it is left out, and counted.
  bool strict = true;
};

/// Lines (or records) of a trace that were left out because they could not be read.
struct TraceProblems {
  /// How many of them are described; the rest is only counted.
  static constexpr std::size_t kDescribedMax = 5;

  std::uint64_t count = 0;
  /// The first ones, as `FILE:LINE: what is wrong; what to do`.
  std::vector<std::string> first;
};

namespace internal {
class TraceFormat;
class TraceInput;
}  // namespace internal

/// A trace file, read from its first request to its last in bounded memory (under 4 MiB, and for a
/// compressed file the window it was compressed with, at most 128 MiB).
///
/// In the form that is ours, the first line names the columns: some of `time,key,size,op,ttl`, in
/// this order, with `key` always among them. Every further line is one request: decimal numbers,
/// `op` is `r` or `w`; no blanks, no quotes, `\n` ends every line, the last one too.
/// trace_formats() lists the other forms. Whether a file is compressed is told by its first bytes,
/// not by its name.
///
/// - Thread-safety: not synchronised.
/// - Exceptions: ConfigError (`FILE:LINE: what is wrong; what to do`) for a file that is not there,
///   whose form is not known, or whose bytes are damaged, and for a malformed line if
///   TraceOptions::strict. It comes when the reader gets there: what could be read before that
///   place has been delivered. The reader then stays there, and each further next() throws the
///   same.
class TraceReader {
 public:
  /// Opens the file and reads its header.
  explicit TraceReader(std::filesystem::path file, const TraceOptions& options = {});
  TraceReader(TraceReader&&) noexcept;
  TraceReader& operator=(TraceReader&&) noexcept;
  ~TraceReader();

  /// Fills `request` with the next one and returns true, or returns false after the last. `request`
  /// is only changed when it returns true.
  [[nodiscard]] bool next(Request& request);

  [[nodiscard]] TraceProgress progress() const noexcept;
  /// Requests delivered so far.
  [[nodiscard]] std::uint64_t requests() const noexcept { return requests_; }
  /// What was left out so far.
  [[nodiscard]] const TraceProblems& problems() const noexcept { return problems_; }
  /// One of trace_formats().
  [[nodiscard]] std::string_view format() const noexcept { return format_name_; }
  [[nodiscard]] bool has_size() const noexcept;
  [[nodiscard]] bool has_ttl() const noexcept;
  [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }

 private:
  void open(const TraceOptions& options);
  [[nodiscard]] bool read_piece();
  void accept_piece();
  void take_problem(const std::string& message);
  [[nodiscard]] std::string at_place(const std::string& message) const;
  [[noreturn]] void fail(const std::string& message);

  std::filesystem::path file_;
  bool strict_ = true;
  std::unique_ptr<internal::TraceInput> input_;
  std::unique_ptr<internal::TraceFormat> format_;
  std::string_view format_name_;
  std::size_t record_bytes_ = 0;
  bool has_time_ = false;

  /// The request to be delivered next, if any are left of the piece that was read last.
  Request ahead_;
  std::uint64_t ahead_left_ = 0;
  /// The number of the piece that was read last, from 1.
  std::uint64_t piece_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t previous_time_ = 0;
  TraceProblems problems_;
  /// What the reader failed with; empty if it did not.
  std::string failure_;
};

}  // namespace tarmac
