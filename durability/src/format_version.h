// The version at the head of each file of a log: a reader refuses a major version that it does not
// know, and reads any minor one.
#pragma once

#include <cstdint>
#include <string>

#include "bytes.h"

namespace tarmac::internal {

struct FormatVersion {
  std::uint16_t major;
  std::uint16_t minor;
};

inline void append_version(std::string& bytes, FormatVersion version) {
  append_number(bytes, version.major);
  append_number(bytes, version.minor);
}

/// Takes a version; false, and why in `problem`, if it has another major number than `known`.
[[nodiscard]] inline bool take_version(Cursor& cursor, FormatVersion known, std::string& problem) {
  const auto major = cursor.number<std::uint16_t>().value_or(0);
  static_cast<void>(cursor.take(sizeof(known.minor)));
  if (major == known.major) return true;
  problem = "version " + std::to_string(major) + " of the format, and this program reads " +
            std::to_string(known.major);
  return false;
}

}  // namespace tarmac::internal
