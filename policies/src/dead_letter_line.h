// One line of a dead-letter file.
#pragma once

#include <tarmac/policies/dead_letters.h>

#include <optional>
#include <string>
#include <string_view>

namespace tarmac::internal {

/// Without the end of the line.
[[nodiscard]] std::string to_line(const DeadLetter& letter);
/// Empty unless `line` is what to_line() makes, to the last byte.
[[nodiscard]] std::optional<DeadLetter> from_line(std::string_view line);

}  // namespace tarmac::internal
