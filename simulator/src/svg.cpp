#include "svg.h"

#include <fmt/format.h>

namespace tarmac::internal {
namespace {

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '"') {
      result += "&quot;";
    } else {
      // What a file's name may hold and XML may not.
      result += static_cast<unsigned char>(c) < 0x20U ? ' ' : c;
    }
  }
  return result;
}

std::string stroke(const LineStyle& style) {
  std::string text = fmt::format(R"(stroke="{}" stroke-width="{}")", style.colour, style.width);
  if (!style.dashes.empty()) text += fmt::format(R"( stroke-dasharray="{}")", style.dashes);
  return text;
}

}  // namespace

void Svg::line(Point from, Point to, const LineStyle& style) {
  elements_ += fmt::format(R"(<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" {}/>)", from.x,
                           from.y, to.x, to.y, stroke(style)) +
               "\n";
}

void Svg::polyline(const std::vector<Point>& points, const LineStyle& style) {
  elements_ += R"(<polyline fill="none" stroke-linejoin="round" points=")";
  for (const Point& point : points) elements_ += fmt::format("{:.1f},{:.1f} ", point.x, point.y);
  elements_ += "\" " + stroke(style) + "/>\n";
}

void Svg::rectangle(Point corner, Point size, std::string_view fill) {
  elements_ +=
      fmt::format(R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="{}"/>)",
                  corner.x, corner.y, size.x, size.y, fill) +
      "\n";
}

void Svg::marker(Point at, std::size_t shape, std::string_view colour) {
  constexpr double kRadius = 3.6;
  if (shape % 5 == 0) {
    elements_ += fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="{}" fill="{}"/>)", at.x, at.y,
                             kRadius, colour) +
                 "\n";
    return;
  }
  constexpr double kR = kRadius * 1.15;
  const std::vector<std::vector<Point>> shapes{{{-kR * 0.85, -kR * 0.85},
                                                {kR * 0.85, -kR * 0.85},
                                                {kR * 0.85, kR * 0.85},
                                                {-kR * 0.85, kR * 0.85}},
                                               {{0, -kR}, {kR, kR * 0.8}, {-kR, kR * 0.8}},
                                               {{0, -kR}, {kR, 0}, {0, kR}, {-kR, 0}},
                                               {{0, kR}, {kR, -kR * 0.8}, {-kR, -kR * 0.8}}};
  elements_ += R"(<polygon points=")";
  for (const Point& corner : shapes[shape % 5 - 1]) {
    elements_ += fmt::format("{:.1f},{:.1f} ", at.x + corner.x, at.y + corner.y);
  }
  elements_ += fmt::format(R"(" fill="{}"/>)", colour) + "\n";
}

void Svg::text(Point at, std::string_view words, const TextStyle& style) {
  elements_ += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" font-size="{}" fill="{}")", at.x, at.y,
                           style.size, style.colour);
  if (style.anchor != "start") elements_ += fmt::format(R"( text-anchor="{}")", style.anchor);
  if (style.bold) elements_ += R"( font-weight="600")";
  elements_ += ">" + escaped(words) + "</text>\n";
}

std::string Svg::document(Point size, std::string_view title) const {
  return fmt::format(
             R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:.0f} {1:.0f}" width="{0:.0f}" )"
             R"(height="{1:.0f}" role="img" font-family="Helvetica, Arial, 'Liberation Sans', )"
             R"('DejaVu Sans', sans-serif">)",
             size.x, size.y) +
         "\n<title>" + escaped(title) + "</title>\n" +
         fmt::format(R"(<rect width="{:.0f}" height="{:.0f}" fill="#ffffff"/>)", size.x, size.y) +
         "\n" + elements_ + "</svg>\n";
}

}  // namespace tarmac::internal
