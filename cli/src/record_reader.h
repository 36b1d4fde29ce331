// Reads the input of `tarmac write` record by record, however many there are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tarmac::cli {

/// Where something begins in the input; counted from 1.
struct Place {
  std::uint64_t line = 1;
  std::uint64_t column = 1;
};

/// One element of `records`, as it stands there.
struct RawRecord {
  /// Its number, from 1.
  std::uint64_t number = 0;
  Place place;
  /// All of it as JSON without white space; numbers are as they were written.
  std::string_view content;
  /// Empty if it has none, or one that is no string.
  std::optional<std::string> key;
  bool has_key = false;
  /// The text of a string, otherwise JSON.
  std::string_view value;
  /// As written; empty without.
  std::string ttl;
  /// Why it cannot be a record whatever its key is; empty if it can.
  std::string problem;
};

/// What is told while an input is read.
struct RecordListener {
  /// `json` is what `backends` has.
  std::function<void(std::string_view json, Place place)> on_backends;
  /// What `record` refers to is valid during the call.
  std::function<void(const RawRecord& record)> on_record;
  /// Bytes read so far, now and then.
  std::function<void(std::uint64_t bytes)> on_progress;
};

/// A record or the list of backends may not be larger: all of it is in memory once.
inline constexpr std::uint64_t kRecordBytesMax = std::uint64_t{64} << 20U;
/// Lists and objects in one another in a record.
inline constexpr std::size_t kRecordDepthMax = 64;

/// Reads the whole input. Memory: that of the largest record. Throws ConfigError with file, line
/// and column for what is not the document that docs/writer.md describes, and std::runtime_error
/// for what cannot be read; what the listener throws passes through.
void read_records(const std::filesystem::path& file, const RecordListener& listener);

}  // namespace tarmac::cli
