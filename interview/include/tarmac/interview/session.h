// The walkthrough with somebody who answers.
#pragma once

#include <tarmac/interview/stop.h>

#include <iosfwd>

namespace tarmac::interview {

struct SessionOptions {
  bool colour = false;
  /// Somebody types: a prompt is written. Without it, commands are read from a pipe or a file.
  bool prompt = false;
};

/// Shows stops as the lines of `in` ask for them, until `quit` or the end of the input: an empty
/// line or `next`, `back`, `again`, `menu`, `help`, the number or the name of a stop, with or
/// without `jump` before it. A line that is none of them is told, and changes nothing. False if a
/// claim did not hold.
[[nodiscard]] bool walk(std::istream& in, std::ostream& out, const Surroundings& surroundings,
                        const SessionOptions& options = {});

/// Shows `chosen`, one after the other, without asking. False if a claim did not hold.
[[nodiscard]] bool show_all(std::span<const Stop* const> chosen, std::ostream& out,
                            const Surroundings& surroundings, bool colour);

}  // namespace tarmac::interview
