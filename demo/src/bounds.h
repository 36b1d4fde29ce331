// A number that is expected: exact, or between bounds.
#pragma once

#include <tarmac/config/yaml_document.h>

#include <chrono>
#include <optional>
#include <string>

namespace tarmac::demo {

/// `3`, or `{min: 1, max: 5}` with either left out. Counts are exact up to 2^53.
class Bounds {
 public:
  /// Whole numbers from 0.
  [[nodiscard]] static Bounds of_count(const YamlNode& node);
  /// Between 0 and 1; an exact one is met within 0.00005, the half of its last shown digit.
  [[nodiscard]] static Bounds of_ratio(const YamlNode& node);
  /// Durations, in nanoseconds.
  [[nodiscard]] static Bounds of_duration(const YamlNode& node);

  [[nodiscard]] bool hold(double value) const noexcept;
  /// `3`, `at least 1`, `1 to 5`.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  template <class Read, class Word>
  static Bounds read(const YamlNode& node, const Read& read_one, const Word& word);

  std::optional<double> min_;
  std::optional<double> max_;
  double tolerance_ = 0;
  std::string text_;
};

}  // namespace tarmac::demo
