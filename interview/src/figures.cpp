#include <tarmac/interview/figures.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace tarmac::interview {

bool Findings::holds() const noexcept {
  return std::all_of(figures.begin(), figures.end(), [](const Figure& figure) {
    const auto* claim = std::get_if<Claim>(&figure);
    return claim == nullptr || claim->holds;
  });
}

demo::Table as_table(const Bars& bars) {
  double most = 0;
  for (const auto& bar : bars.bars) most = std::max(most, bar.value);
  demo::Table table{{bars.subject, bars.measure}, {}};
  for (const auto& bar : bars.bars) {
    const auto share = most > 0 ? bar.value / most : 0.0;
    table.rows.push_back({{bar.label}, {bar.text, share, false}});
  }
  return table;
}

std::string as_line(const Sparkline& sparkline) {
  constexpr std::array<const char*, 8> kLevels{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double most = 0;
  for (const auto value : sparkline.values) most = std::max(most, value);
  std::string line;
  for (const auto value : sparkline.values) {
    const auto share = most > 0 ? value / most : 0.0;
    const auto level = std::lround(share * static_cast<double>(kLevels.size() - 1));
    line += kLevels.at(static_cast<std::size_t>(std::clamp(level, 0L, 7L)));
  }
  return line;
}

demo::Cell number(std::string text) { return {std::move(text), std::nullopt, true}; }

std::string fixed(double value, int decimals) { return fmt::format("{:.{}f}", value, decimals); }

}  // namespace tarmac::interview
