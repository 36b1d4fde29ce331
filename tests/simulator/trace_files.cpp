#include "trace_files.h"

#include <tarmac/core/error.h>
#include <zstd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace tarmac::simulator_tests {

std::string compressed(std::string_view plain, const ZstdOptions& options) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  if (context == nullptr) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, options.checksum ? 1 : 0);
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, options.window_log);
  if (options.window_log != 0) {
    // Otherwise the library shrinks the window to the content, whose size it is told.
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  }
  std::string result(ZSTD_compressBound(plain.size()) + 64, '\0');
  ZSTD_outBuffer output{result.data(), result.size(), 0};
  ZSTD_inBuffer input{plain.data(), plain.size(), 0};
  // Two steps, because one alone would again tell the size.
  std::size_t state = ZSTD_compressStream2(context, &output, &input, ZSTD_e_continue);
  if (ZSTD_isError(state) == 0) {
    state = ZSTD_compressStream2(context, &output, &input, ZSTD_e_end);
  }
  ZSTD_freeCCtx(context);
  if (state != 0) throw std::runtime_error("could not compress");
  result.resize(output.pos);
  return result;
}

std::vector<Request> read_all(const std::filesystem::path& file, const TraceOptions& options) {
  TraceReader reader(file, options);
  std::vector<Request> requests;
  Request request;
  while (reader.next(request)) requests.push_back(request);
  return requests;
}

std::string error_of(const std::filesystem::path& file, const TraceOptions& options) {
  try {
    const auto requests = read_all(file, options);
    return "no error";
  } catch (const ConfigError& error) {
    return error.what();
  }
}

std::filesystem::path shipped_trace() {
  return std::filesystem::path(TARMAC_SOURCE_DIR) / "demo" / "traces" / "build_files.csv.zst";
}

std::vector<std::vector<std::string>> csv_rows(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  std::vector<std::vector<std::string>> rows;
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    std::string field;
    auto& row = rows.emplace_back();
    while (std::getline(fields, field, ',')) row.push_back(field);
  }
  return rows;
}

}  // namespace tarmac::simulator_tests
