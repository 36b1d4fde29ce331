// What the tests read of trace files.
#pragma once

#include <tarmac/simulator/trace_reader.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac::simulator_tests {

struct ZstdOptions {
  /// As the program `zstd` writes it.
  bool checksum = true;
  /// 0 lets the library choose.
  int window_log = 0;
};
/// One zstd frame.
[[nodiscard]] std::string compressed(std::string_view plain, const ZstdOptions& options = {});

[[nodiscard]] std::vector<Request> read_all(const std::filesystem::path& file,
                                            const TraceOptions& options = {});

/// What the ConfigError of reading the whole of `file` says; "no error" if there is none.
[[nodiscard]] std::string error_of(const std::filesystem::path& file,
                                   const TraceOptions& options = {});

/// The shipped trace of this repository.
[[nodiscard]] std::filesystem::path shipped_trace();

/// The fields of each line of a CSV file without quotes, but for the header.
[[nodiscard]] std::vector<std::vector<std::string>> csv_rows(const std::filesystem::path& file);

}  // namespace tarmac::simulator_tests
