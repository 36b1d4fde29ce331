// What the commands show while they work, and the files that they leave.
#pragma once

#include <string>

namespace tarmac::cli {

/// A line on the terminal that is drawn over itself, and gone at the end. Nothing is drawn where
/// the standard error output is no terminal.
class ProgressLine {
 public:
  explicit ProgressLine(bool wanted);
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// `fraction` is from 0 to 1. Draws only what has changed.
  void show(double fraction, const std::string& text);
  void clear();

 private:
  bool shown_;
  bool drawn_ = false;
  int percent_ = -1;
  std::string text_;
};

/// Whether text may be coloured: a terminal reads it, and neither the call nor NO_COLOR refuses.
[[nodiscard]] bool may_colour(bool refused);

/// Refuses a place that cannot be written before the work is done, not after it: ConfigError.
/// An empty name is no place, and is left alone.
void expect_writable(const std::string& file);

/// Throws std::runtime_error if not all of it was written. An empty name is left alone.
void write_file(const std::string& file, const std::string& text);

}  // namespace tarmac::cli
