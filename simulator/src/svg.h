// The few elements of SVG that the plots are made of.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tarmac::internal {

struct Point {
  double x = 0;
  double y = 0;
};

struct LineStyle {
  std::string_view colour = "#000";
  double width = 1;
  /// As stroke-dasharray; empty: a whole line.
  std::string_view dashes = {};
};

struct TextStyle {
  double size = 12;
  std::string_view colour = "#24292f";
  /// Where the point is: start, middle or end.
  std::string_view anchor = "start";
  bool bold = false;
};

/// Appends elements to a text. Coordinates in pixels, y downwards.
class Svg {
 public:
  void line(Point from, Point to, const LineStyle& style);
  void polyline(const std::vector<Point>& points, const LineStyle& style);
  void rectangle(Point corner, Point size, std::string_view fill);
  /// One of five shapes: circle, square, triangle, diamond, triangle on its head.
  void marker(Point at, std::size_t shape, std::string_view colour);
  void text(Point at, std::string_view words, const TextStyle& style = {});

  /// The document with what was drawn, on a light ground.
  [[nodiscard]] std::string document(Point size, std::string_view title) const;

 private:
  std::string elements_;
};

}  // namespace tarmac::internal
