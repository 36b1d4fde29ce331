#include <tarmac/core/error.h>
#include <tarmac/core/parameters.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace tarmac {
namespace {

std::string wrong_value(std::string_view name, std::string_view value, std::string_view wanted) {
  return "parameter \"" + std::string(name) + "\": \"" + std::string(value) + "\" is not " +
         std::string(wanted);
}

/// Reads the whole of `text` as a number, or returns false.
template <class Number>
bool parse_whole(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

/// Insertions, removals, substitutions and swaps of neighbours that turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

void Parameters::set(std::string name, std::string value) {
  values_.insert_or_assign(std::move(name), std::move(value));
}

bool Parameters::contains(std::string_view name) const {
  asked_.emplace(name);
  return values_.find(name) != values_.end();
}

const std::string* Parameters::find(std::string_view name) const {
  asked_.emplace(name);
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

std::uint64_t Parameters::get_uint(std::string_view name, std::uint64_t fallback) const {
  const auto* text = find(name);
  if (text == nullptr) return fallback;
  std::uint64_t number = 0;
  if (!parse_whole(*text, number)) {
    throw ConfigError(wrong_value(name, *text, "a whole number from 0 to 2^64 - 1"));
  }
  return number;
}

double Parameters::get_double(std::string_view name, double fallback) const {
  const auto* text = find(name);
  if (text == nullptr) return fallback;
  double number = 0;
  if (!parse_whole(*text, number) || !std::isfinite(number)) {
    throw ConfigError(wrong_value(name, *text, "a finite decimal number"));
  }
  return number;
}

bool Parameters::get_bool(std::string_view name, bool fallback) const {
  const auto* text = find(name);
  if (text == nullptr) return fallback;
  if (*text == "true") return true;
  if (*text == "false") return false;
  throw ConfigError(wrong_value(name, *text, "true or false"));
}

std::string Parameters::get_string(std::string_view name, std::string fallback) const {
  const auto* text = find(name);
  if (text == nullptr) return fallback;
  return *text;
}

std::chrono::nanoseconds Parameters::get_duration(std::string_view name,
                                                  std::chrono::nanoseconds fallback) const {
  const auto* text = find(name);
  if (text == nullptr) return fallback;
  try {
    return parse_duration(*text);
  } catch (const ConfigError& error) {
    throw ConfigError("parameter \"" + std::string(name) + "\": " + error.what());
  }
}

void Parameters::reject_unknown(std::string_view part) const {
  for (const auto& [name, value] : values_) {
    if (asked_.contains(name)) continue;
    const std::vector<std::string> known(asked_.begin(), asked_.end());
    std::string message = std::string(part) + " has no parameter \"" + name + "\"";
    if (known.empty()) throw ConfigError(message + "; it takes none");
    const auto near = nearest_name(name, known);
    if (!near.empty()) message += "; did you mean \"" + std::string(near) + "\"?";
    message += " (known:";
    for (const auto& one : known) message += " " + one;
    throw ConfigError(message + ")");
  }
}

std::string_view nearest_name(std::string_view name, std::span<const std::string> candidates) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    const auto distance = edit_distance(name, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::chrono::nanoseconds parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    long double nanoseconds;
  };
  static constexpr std::array<Unit, 7> kUnits{{{"ns", 1},
                                               {"us", 1e3L},
                                               {"ms", 1e6L},
                                               {"s", 1e9L},
                                               {"min", 60e9L},
                                               {"h", 3600e9L},
                                               {"d", 86400e9L}}};
  const auto digits = text.find_first_not_of("0123456789.");
  const auto number_text = text.substr(0, digits);
  const auto unit_text = digits == std::string_view::npos ? "" : text.substr(digits);
  const auto* unit = std::find_if(kUnits.begin(), kUnits.end(),
                                  [&](const Unit& one) { return one.name == unit_text; });
  double number = 0;
  if (unit == kUnits.end() || !parse_whole(number_text, number)) {
    throw ConfigError("\"" + std::string(text) +
                      "\" is not a duration; write a number with its unit: ns, us, ms, s, min, h "
                      "or d, for example 250ms");
  }
  const long double nanoseconds = static_cast<long double>(number) * unit->nanoseconds;
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  if (nanoseconds >= static_cast<long double>(kMost)) {
    throw ConfigError("\"" + std::string(text) + "\" is longer than 292 years; leave it out");
  }
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::round(nanoseconds)));
}

}  // namespace tarmac
