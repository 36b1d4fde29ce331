// Traces of every form, plain and compressed: any bytes are requests up to a place that is refused;
// time never runs backwards, and a reader that has refused stays where it is.
#include <tarmac/core/error.h>
#include <tarmac/simulator/trace_formats.h>
#include <tarmac/simulator/trace_reader.h>

#include "fuzz.h"

namespace {

/// Few bytes can be a long trace when they are compressed.
constexpr std::uint64_t kRequestsMax = 20'000;

/// Reads to the end, to a refusal, or to the limit.
void read(tarmac::TraceReader& trace) {
  tarmac::Request request;
  std::uint64_t time = 0;
  try {
    while (trace.requests() < kRequestsMax && trace.next(request)) {
      tarmac::fuzz::require(request.time >= time, "time runs backwards");
      tarmac::fuzz::require(request.size >= 1, "an object without a byte");
      tarmac::fuzz::require(request.ttl.count() >= 0, "a negative TTL");
      time = request.time;
    }
  } catch (const tarmac::ConfigError& error) {
    const auto requests = trace.requests();
    try {
      static_cast<void>(trace.next(request));
      tarmac::fuzz::require(false, "went on after a refusal");
    } catch (const tarmac::ConfigError& again) {
      tarmac::fuzz::require(std::string(error.what()) == again.what(), "refused in other words");
    }
    tarmac::fuzz::require(trace.requests() == requests, "counted what it refused");
  }
}

/// Opens the file in memory and reads it.
void read_as(const std::string& path, const tarmac::TraceOptions& options) {
  try {
    tarmac::TraceReader trace(path, options);
    read(trace);
    const auto fraction = trace.progress().fraction();
    tarmac::fuzz::require(fraction >= 0 && fraction <= 1, "more has been read than there is");
    tarmac::fuzz::require(!options.strict || trace.problems().count == 0, "left something out");
  } catch (const tarmac::ConfigError& error) {
    tarmac::fuzz::require(std::string_view(error.what()).starts_with(path),
                          "refused without a place");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const tarmac::fuzz::MemoryFile file;
  static const auto formats = tarmac::trace_formats();
  file.fill(tarmac::fuzz::as_text(data, size));
  read_as(file.path(), {});
  // As one of the forms, whichever it is; most content speaks for none.
  const std::size_t which = size == 0 ? 0 : (size + data[size - 1]) % formats.size();
  read_as(file.path(), {std::string(formats[which].name), false});
  return 0;
}
