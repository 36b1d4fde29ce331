// What a trace format is: how its pieces become requests. Start here to add one.
#pragma once

#include <tarmac/simulator/trace_formats.h>
#include <tarmac/simulator/trace_reader.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "trace_input.h"

namespace tarmac::internal {

/// Reads the pieces of one trace. It may remember what earlier pieces said; the reader checks what
/// holds for every format: time that does not run backwards.
class TraceFormat {
 public:
  TraceFormat() = default;
  TraceFormat(const TraceFormat&) = delete;
  TraceFormat& operator=(const TraceFormat&) = delete;
  virtual ~TraceFormat() = default;

  /// Bytes of a record; 0 if the pieces are lines.
  [[nodiscard]] virtual std::size_t record_bytes() const noexcept { return 0; }
  /// Reads what stands before the first request. Throws Malformed, which ends the reading.
  virtual void read_header(TraceInput& input) { static_cast<void>(input); }
  /// How many pieces read_header() took.
  [[nodiscard]] virtual std::uint64_t header_pieces() const noexcept { return 0; }

  /// How many requests `piece` stands for, 0 if none. The first one goes into `request`, which
  /// comes with its defaults. Throws Malformed.
  [[nodiscard]] virtual std::uint64_t read(const Piece& piece, Request& request) = 0;
  /// Changes `request` into the one that follows it in the piece that was read last.
  virtual void advance(Request& request) { static_cast<void>(request); }

  [[nodiscard]] virtual bool has_time() const noexcept { return false; }
  [[nodiscard]] virtual bool has_size() const noexcept { return false; }
  [[nodiscard]] virtual bool has_ttl() const noexcept { return false; }
};

/// A row of the table of formats.
struct FormatRow {
  TraceFormatInfo info;
  std::unique_ptr<TraceFormat> (*make)();
  /// Whether a file of this name, in lower case and without .gz or .zst, has the format.
  bool (*suits_name)(std::string_view name);
  /// Whether a trace that begins with this has the format. Never by chance: formats of numbers
  /// without any mark can only be told by their name. Null if the content says nothing.
  bool (*suits_content)(std::string_view head);
  /// The content is a guess, which a name overrules.
  bool guesses = false;
};

[[nodiscard]] std::span<const FormatRow> format_rows() noexcept;

/// The row that `wanted` names, or that name and content of the file speak for. Throws Malformed
/// with the names there are.
[[nodiscard]] const FormatRow& choose_format(std::string_view wanted, std::string_view file_name,
                                             std::string_view head);

// One for each file in formats/.
[[nodiscard]] FormatRow csv_format();
[[nodiscard]] FormatRow cloud_physics_format();
[[nodiscard]] FormatRow json_lines_format();
[[nodiscard]] FormatRow address_format();
[[nodiscard]] FormatRow arc_format();
[[nodiscard]] FormatRow time_id_size_format();
[[nodiscard]] FormatRow oracle_general_format();
[[nodiscard]] FormatRow keys_format();
[[nodiscard]] FormatRow int32_big_endian_format();
[[nodiscard]] FormatRow int32_little_endian_format();
[[nodiscard]] FormatRow int64_big_endian_format();
[[nodiscard]] FormatRow int64_little_endian_format();

}  // namespace tarmac::internal
