// The forms of traces that the reader knows.
#pragma once

#include <string_view>
#include <vector>

namespace tarmac {

struct TraceFormatInfo {
  /// As TraceOptions::format spells it.
  std::string_view name;
  /// One line for people who choose.
  std::string_view summary;
};

/// All of them, in the order in which they are tried.
[[nodiscard]] std::vector<TraceFormatInfo> trace_formats();

}  // namespace tarmac
