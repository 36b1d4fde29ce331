#include <tarmac/simulator/plot.h>

#include <tarmac/simulator/report.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "svg.h"
#include "wording.h"

namespace tarmac {
namespace {

using internal::LineStyle;
using internal::Point;
using internal::Svg;
using internal::TextStyle;

// Okabe and Ito's colours, which are told apart whatever one's eyes, but for the yellow, which a
// light ground swallows. Beyond six strategies dashes and markers tell them apart too.
constexpr std::array<std::string_view, 6> kColours{"#0072B2", "#D55E00", "#009E73",
                                                   "#CC79A7", "#E69F00", "#56B4E9"};
constexpr std::array<std::string_view, 3> kDashes{"", "7 3", "2 3"};
constexpr std::string_view kBoundColour = "#6e7781";
constexpr std::string_view kFaint = "#d8dee4";
constexpr std::string_view kQuiet = "#57606a";

constexpr double kRowHeight = 500;
constexpr double kTop = 96;
constexpr double kPlotHeight = 320;
constexpr double kCurvesLeft = 70;
constexpr double kCurvesRight = 600;
constexpr double kLabelsLeft = kCurvesRight + 54;
constexpr double kBarsWidth = 220;
/// About the width of a letter of a bold name.
constexpr double kLetter = 7.4;
constexpr double kLabelStep = 15;

struct Style {
  std::string_view colour;
  std::string_view dashes;
  std::size_t shape = 0;
};

/// The same for a strategy in every picture of a call: by its place in the list.
Style style_of(const SweepResult& result, std::size_t strategy) {
  if (result.strategies[strategy].is_bound()) return {kBoundColour, "4 4", 3};
  std::size_t place = 0;
  for (std::size_t i = 0; i < strategy; ++i) {
    if (!result.strategies[i].is_bound()) ++place;
  }
  return {kColours[place % kColours.size()], kDashes[place / kColours.size() % kDashes.size()],
          place % 5};
}

std::string name_of(const StrategyChoice& choice) {
  constexpr std::size_t kLongest = 48;
  std::string name = choice.is_bound() ? "belady (bound)" : choice.text();
  if (name.size() > kLongest) name = name.substr(0, kLongest - 3) + "...";
  return name;
}

/// The room that the longest name takes.
double name_width(std::span<const SweepResult> results) {
  std::size_t longest = 20;
  for (const SweepResult& result : results) {
    for (const StrategyChoice& choice : result.strategies) {
      longest = std::max(longest, name_of(choice).size());
    }
  }
  return kLetter * static_cast<double>(longest);
}

/// Where the bars begin: behind the names at the curves, and their own.
double bars_left(double of_names) { return kLabelsLeft + 2 * of_names + 40; }

/// A step of 1, 2 or 5 times a power of ten, such that `range` has about five.
double nice_step(double range) {
  const double rough = range / 5;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

/// One row of the picture: a trace, and those sizes that share a unit.
class Row {
 public:
  /// `at`: where the bars begin, and the top.
  Row(Svg& svg, const SweepResult& result, bool in_weight, Point at)
      : svg_(svg), result_(result), top_(at.y), bars_left_(at.x), order_(ranking(result)) {
    for (std::size_t size = 0; size < result.sizes.size(); ++size) {
      if (result.capacities[size].in_weight == in_weight) sizes_.push_back(size);
    }
    std::stable_sort(sizes_.begin(), sizes_.end(), [&](std::size_t a, std::size_t b) {
      return result.capacities[a].amount < result.capacities[b].amount;
    });
    find_favourite();
    find_range();
  }

  void draw() {
    svg_.text({kCurvesLeft - 40, top_ + 30}, result_.trace.filename().string(),
              {.size = 20, .bold = true});
    svg_.text({kCurvesLeft - 40, top_ + 50}, subtitle(), {.size = 13, .colour = kQuiet});
    svg_.text({kCurvesLeft - 40, top_ + 80},
              "Misses by cache size, % of requests (lower is better)", {.size = 13, .bold = true});
    svg_.text({bars_left_ - 150, top_ + 80}, "At " + describe(result_, chosen_size_),
              {.size = 13, .bold = true});
    draw_axes();
    draw_curves();
    draw_labels();
    draw_bars();
  }

 private:
  [[nodiscard]] double misses(std::size_t strategy, std::size_t size) const {
    return result_.cell(strategy, size).result.miss_ratio() * 100;
  }
  [[nodiscard]] std::string subtitle() const {
    std::string text = internal::grouped(result_.requests) + " requests";
    if (result_.summary) {
      text += " for " + internal::grouped(result_.summary->objects) + " objects";
      if (result_.summary->bytes != result_.summary->objects) {
        text += " of " + internal::bytes_text(result_.summary->bytes);
      }
    }
    return text;
  }

  void find_favourite();
  void find_range();
  [[nodiscard]] double x_of(std::size_t size) const;
  [[nodiscard]] double y_of(double percent) const {
    return top_ + kTop + kPlotHeight * (high_ - percent) / (high_ - low_);
  }
  void draw_axes();
  void draw_curves();
  void draw_labels();
  void draw_bars();

  Svg& svg_;
  const SweepResult& result_;
  double top_;
  double bars_left_;
  std::vector<std::size_t> order_;
  std::vector<std::size_t> sizes_;
  std::size_t favourite_ = 0;
  std::size_t chosen_size_ = 0;
  double low_ = 0;
  double high_ = 100;
};

/// The bars are of the size that is recommended, or else of one in the middle.
void Row::find_favourite() {
  favourite_ = order_.front();
  chosen_size_ = sizes_[sizes_.size() / 2];
  if (result_.strategies[favourite_].is_bound()) return;
  const std::size_t recommended = recommend(result_).size;
  if (std::find(sizes_.begin(), sizes_.end(), recommended) != sizes_.end()) {
    chosen_size_ = recommended;
  }
}

void Row::find_range() {
  low_ = 100;
  high_ = 0;
  for (const std::size_t strategy : order_) {
    for (const std::size_t size : sizes_) {
      low_ = std::min(low_, misses(strategy, size));
      high_ = std::max(high_, misses(strategy, size));
    }
  }
  // Where all miss about the same, the axis shows that they do.
  const double step = nice_step(std::max(high_ - low_, 1.0));
  low_ = std::max(0.0, std::floor(low_ / step) * step);
  high_ = std::min(100.0, std::ceil(high_ / step) * step);
  if (high_ - low_ < step) high_ = low_ + step;
}

/// Sizes are drawn by their logarithm.
double Row::x_of(std::size_t size) const {
  const auto place = [&](std::size_t one) {
    return std::log(static_cast<double>(result_.capacities[one].amount));
  };
  const double first = place(sizes_.front());
  const double last = place(sizes_.back());
  if (last <= first) return (kCurvesLeft + kCurvesRight) / 2;
  constexpr double kMargin = 20;
  return kCurvesLeft + kMargin +
         (kCurvesRight - kCurvesLeft - 2 * kMargin) * (place(size) - first) / (last - first);
}

void Row::draw_axes() {
  const double bottom = top_ + kTop + kPlotHeight;
  const double step = nice_step(high_ - low_);
  const int steps = static_cast<int>(std::lround((high_ - low_) / step));
  for (int i = 0; i <= steps; ++i) {
    const double percent = low_ + i * step;
    svg_.line({kCurvesLeft, y_of(percent)}, {kCurvesRight, y_of(percent)}, {.colour = kFaint});
    svg_.text({kCurvesLeft - 8, y_of(percent) + 4},
              fmt::format("{:g} %", std::round(percent * 1e6) / 1e6),
              {.colour = kQuiet, .anchor = "end"});
  }
  svg_.line({kCurvesLeft, bottom}, {kCurvesRight, bottom}, {.colour = kQuiet});
  double free_from = 0;
  for (const std::size_t size : sizes_) {
    const StrategyCapacity& capacity = result_.capacities[size];
    const std::string amount = capacity.in_weight ? internal::bytes_text(capacity.amount)
                                                  : internal::grouped(capacity.amount);
    const double x = x_of(size);
    svg_.line({x, bottom}, {x, bottom + 5}, {.colour = kQuiet});
    const double half = 3.6 * static_cast<double>(amount.size());
    if (x - half < free_from) continue;  // Sizes too near each other for both to be written.
    free_from = x + half + 6;
    svg_.text({x, bottom + 20}, amount, {.colour = kQuiet, .anchor = "middle"});
    if (result_.sizes[size].unit == SizeChoice::Unit::percent) {
      svg_.text({x, bottom + 35}, result_.sizes[size].text,
                {.size = 11, .colour = kQuiet, .anchor = "middle"});
    }
  }
  svg_.text({(kCurvesLeft + kCurvesRight) / 2, bottom + 55},
            result_.capacities[sizes_.front()].in_weight ? "cache size in bytes (logarithmic)"
                                                         : "cache size in objects (logarithmic)",
            {.colour = kQuiet, .anchor = "middle"});
}

void Row::draw_curves() {
  // The favourite last, on top of the others.
  for (auto at = order_.rbegin(); at != order_.rend(); ++at) {
    const Style style = style_of(result_, *at);
    std::vector<Point> points;
    for (const std::size_t size : sizes_) points.push_back({x_of(size), y_of(misses(*at, size))});
    svg_.polyline(points, {style.colour, *at == favourite_ ? 3.5 : 1.8, style.dashes});
    for (const Point& point : points) svg_.marker(point, style.shape, style.colour);
  }
}

/// The names at the ends of the curves, moved apart where they would cover each other. With their
/// samples of line and marker they are the legend, too.
void Row::draw_labels() {
  struct Label {
    std::size_t strategy;
    double wanted;
    double y;
  };
  std::vector<Label> labels;
  for (const std::size_t strategy : order_) {
    const double y = y_of(misses(strategy, sizes_.back()));
    labels.push_back({strategy, y, y});
  }
  std::stable_sort(labels.begin(), labels.end(),
                   [](const Label& a, const Label& b) { return a.wanted < b.wanted; });
  double lowest = top_ + kTop + 4;
  for (Label& label : labels) {
    label.y = std::max(label.y, lowest);
    lowest = label.y + kLabelStep;
  }
  double highest = top_ + kTop + kPlotHeight + 30;
  for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
    label->y = std::min(label->y, highest);
    highest = label->y - kLabelStep;
  }
  for (const Label& label : labels) {
    const Style style = style_of(result_, label.strategy);
    const bool is_favourite = label.strategy == favourite_;
    svg_.line({x_of(sizes_.back()) + 6, label.wanted}, {kCurvesRight + 18, label.y},
              {.colour = kFaint});
    svg_.line({kCurvesRight + 20, label.y}, {kCurvesRight + 48, label.y},
              {style.colour, is_favourite ? 3.5 : 1.8, style.dashes});
    svg_.marker({kCurvesRight + 34, label.y}, style.shape, style.colour);
    svg_.text({kLabelsLeft, label.y + 4}, name_of(result_.strategies[label.strategy]),
              {.bold = is_favourite});
  }
}

void Row::draw_bars() {
  std::vector<std::size_t> order = order_;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return misses(a, chosen_size_) < misses(b, chosen_size_);
  });
  double largest = 1e-9;
  for (const std::size_t strategy : order)
    largest = std::max(largest, misses(strategy, chosen_size_));
  const double step = std::min(30.0, kPlotHeight / static_cast<double>(order.size()));
  double y = top_ + kTop;
  for (const std::size_t strategy : order) {
    const double value = misses(strategy, chosen_size_);
    const double length = kBarsWidth * value / largest;
    const bool is_favourite = strategy == favourite_;
    svg_.rectangle({bars_left_, y + step * 0.12}, {std::max(length, 1.0), step * 0.76},
                   style_of(result_, strategy).colour);
    svg_.text({bars_left_ - 8, y + step / 2 + 4}, name_of(result_.strategies[strategy]),
              {.anchor = "end", .bold = is_favourite});
    svg_.text({bars_left_ + length + 6, y + step / 2 + 4}, fmt::format("{:.2f} %", value),
              {.bold = is_favourite});
    y += step;
  }
  svg_.line({bars_left_, top_ + kTop}, {bars_left_, y}, {.colour = kQuiet});
}

}  // namespace

std::string plot_svg(std::span<const SweepResult> results) {
  Svg svg;
  const double bars = bars_left(name_width(results));
  double top = 0;
  for (const SweepResult& result : results) {
    for (const bool in_weight : {false, true}) {
      const bool has_any = std::any_of(
          result.capacities.begin(), result.capacities.end(),
          [&](const StrategyCapacity& capacity) { return capacity.in_weight == in_weight; });
      if (!has_any) continue;
      Row(svg, result, in_weight, {bars, top}).draw();
      top += kRowHeight;
    }
  }
  return svg.document({bars + kBarsWidth + 90, top}, "Misses of eviction strategies by cache size");
}

}  // namespace tarmac
