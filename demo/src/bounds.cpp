#include "bounds.h"

#include <tarmac/demo/words.h>

#include <array>

namespace tarmac::demo {

template <class Read, class Word>
Bounds Bounds::read(const YamlNode& node, const Read& read_one, const Word& word) {
  Bounds bounds;
  if (!node.is_map()) {
    bounds.min_ = bounds.max_ = read_one(node);
    bounds.text_ = word(*bounds.min_);
    return bounds;
  }
  static const std::array<std::string, 2> known{"min", "max"};
  const MapReader map(node, known);
  if (const auto* min = map.find("min")) bounds.min_ = read_one(*min);
  if (const auto* max = map.find("max")) bounds.max_ = read_one(*max);
  if (!bounds.min_ && !bounds.max_) {
    throw node.error("bounds without a bound", "write `min`, `max` or both");
  }
  if (bounds.min_ && bounds.max_ && *bounds.min_ > *bounds.max_) {
    throw node.error("`min` is above `max`", "no number lies between them: exchange the two");
  }
  if (bounds.min_ && bounds.max_) {
    bounds.text_ = word(*bounds.min_) + " to " + word(*bounds.max_);
  } else {
    bounds.text_ = bounds.min_ ? "at least " + word(*bounds.min_) : "at most " + word(*bounds.max_);
  }
  return bounds;
}

Bounds Bounds::of_count(const YamlNode& node) {
  constexpr std::uint64_t kExactMax = std::uint64_t{1} << 53U;
  return read(
      node,
      [](const YamlNode& one) {
        return static_cast<double>(as_uint(one, {0, kExactMax}));
      },
      [](double value) { return grouped(static_cast<std::uint64_t>(value)); });
}

Bounds Bounds::of_ratio(const YamlNode& node) {
  auto bounds = read(
      node,
      [](const YamlNode& one) {
        return as_double(one, {0.0, 1.0});
      },
      decimal);
  if (!node.is_map()) bounds.tolerance_ = 0.00005;
  return bounds;
}

Bounds Bounds::of_duration(const YamlNode& node) {
  return read(
      node, [](const YamlNode& one) { return static_cast<double>(as_duration(one).count()); },
      [](double value) {
        return duration_words(std::chrono::nanoseconds(static_cast<std::int64_t>(value)));
      });
}

bool Bounds::hold(double value) const noexcept {
  return (!min_ || value >= *min_ - tolerance_) && (!max_ || value <= *max_ + tolerance_);
}

}  // namespace tarmac::demo
