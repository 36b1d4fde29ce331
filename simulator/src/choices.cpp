// What a user writes for strategies and sizes.
#include <tarmac/simulator/sweep.h>

#include <tarmac/core/error.h>
#include <tarmac/core/internal/byte_units.h>
#include <tarmac/strategies/catalog.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "words.h"

namespace tarmac {
namespace {

/// Splits at commas outside braces. Throws ConfigError for braces that do not match.
std::vector<std::string_view> elements_of(std::string_view list, const std::string& what) {
  std::vector<std::string_view> elements;
  std::size_t start = 0;
  bool inside = false;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    const char c = i < list.size() ? list[i] : ',';
    if (c == '{' || c == '}') {
      if (inside == (c == '{')) {
        throw ConfigError(what + " \"" + std::string(list) +
                          "\": the braces do not match; write NAME{PARAMETER=VALUE;…}");
      }
      inside = !inside;
    }
    if (c == ',' && (!inside || i == list.size())) {
      elements.push_back(list.substr(start, i - start));
      start = i + 1;
    }
  }
  if (inside) {
    throw ConfigError(what + " \"" + std::string(list) + "\": there is no closing brace; add one");
  }
  for (const std::string_view element : elements) {
    if (element.empty()) {
      throw ConfigError(what + " \"" + std::string(list) +
                        "\" has an empty element; take the extra comma away");
    }
  }
  return elements;
}

void read_parameters(std::string_view text, StrategyChoice& choice) {
  while (!text.empty()) {
    const std::size_t length = std::min(text.find(';'), text.size());
    const std::string_view setting = text.substr(0, length);
    text.remove_prefix(std::min(length + 1, text.size()));
    const std::size_t sign = setting.find('=');
    if (sign == std::string_view::npos || sign == 0 || sign + 1 == setting.size()) {
      throw ConfigError("strategy \"" + choice.name + "\": \"" + std::string(setting) +
                        "\" is no setting; write PARAMETER=VALUE, several with ; between them");
    }
    std::string name(setting.substr(0, sign));
    for (const auto& [known, value] : choice.parameters) {
      if (known == name) {
        throw ConfigError("strategy \"" + choice.name + "\": \"" + name +
                          "\" is set twice; set it once");
      }
    }
    choice.parameters.emplace_back(std::move(name), setting.substr(sign + 1));
  }
}

StrategyChoice read_strategy(std::string_view text) {
  StrategyChoice choice;
  const std::size_t brace = text.find('{');
  choice.name = text.substr(0, brace);
  if (brace != std::string_view::npos) {
    if (text.back() != '}') {
      throw ConfigError("strategy \"" + std::string(text) +
                        "\": there is something behind the closing brace; take it away");
    }
    read_parameters(text.substr(brace + 1, text.size() - brace - 2), choice);
  }
  if (!choice.is_bound()) {
    static_cast<void>(strategy_registry().make(choice.name, choice.settings()));
  } else if (!choice.parameters.empty()) {
    throw ConfigError("strategy \"belady\" has no parameters; take them away");
  }
  return choice;
}

[[noreturn]] void refuse_size(std::string_view text, const std::string& what) {
  throw ConfigError("size " + internal::quoted(text) + " " + what +
                    "; write objects (1000), bytes with a unit (64MiB, 500kB, 4096B), or a "
                    "percentage above 0 and up to 100 (1%, 0.5%)");
}

SizeChoice read_size(std::string_view text) {
  SizeChoice choice;
  choice.text = text;
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view number = text.substr(0, digits);
  const std::string_view unit = text.substr(digits);
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc() || end != number.data() + number.size()) {
    refuse_size(text, "is no size");
  }
  if (unit == "%") {
    choice.unit = SizeChoice::Unit::percent;
    choice.percent = value;
    if (!(value > 0 && value <= 100)) refuse_size(text, "is no part of a trace");
    return choice;
  }
  double factor = 1;
  if (!unit.empty()) {
    const auto bytes = internal::bytes_of_unit(unit);
    if (!bytes) refuse_size(text, "has no unit that is known");
    choice.unit = SizeChoice::Unit::bytes;
    factor = static_cast<double>(*bytes);
  }
  const double amount = value * factor;
  if (amount >= 1e18) refuse_size(text, "is too large");
  if (amount < 1 || amount != std::floor(amount)) refuse_size(text, "is not a whole number");
  choice.amount = static_cast<std::uint64_t>(amount);
  return choice;
}

}  // namespace

std::string StrategyChoice::text() const {
  if (parameters.empty()) return name;
  std::string result = name;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    result += (i == 0 ? "{" : ";") + parameters[i].first + "=" + parameters[i].second;
  }
  return result + "}";
}

Parameters StrategyChoice::settings() const {
  Parameters settings;
  for (const auto& [parameter, value] : parameters) settings.set(parameter, value);
  return settings;
}

std::vector<StrategyChoice> parse_strategies(std::string_view list) {
  std::vector<StrategyChoice> choices;
  for (const std::string_view text : elements_of(list, "strategies")) {
    choices.push_back(read_strategy(text));
  }
  return choices;
}

std::vector<SizeChoice> parse_sizes(std::string_view list) {
  std::vector<SizeChoice> choices;
  for (const std::string_view text : elements_of(list, "sizes")) {
    choices.push_back(read_size(text));
  }
  return choices;
}

}  // namespace tarmac
