#include <tarmac/config/yaml_document.h>
#include <tarmac/core/internal/byte_units.h>
#include <tarmac/core/parameters.h>

#include "yaml_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <sstream>
#include <system_error>

namespace tarmac {
namespace {

using internal::duration_text;
using internal::found;
using internal::refuse_odd_number;
using internal::shown;

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string without(std::string_view text, std::string_view unwanted) {
  std::string result;
  for (const char c : text) {
    if (unwanted.find(c) == std::string_view::npos) result += c;
  }
  return result;
}

/// The scalar's text; throws for a list, a map, or nothing.
const std::string& need_scalar(const YamlNode& node, const std::string& expected) {
  if (node.is_null()) {
    throw node.error("expected " + expected + ", " + found(node),
                     "write a value, or remove the key");
  }
  if (!node.is_scalar()) {
    throw node.error("expected " + expected + ", " + found(node), "write one value here");
  }
  return node.text;
}

bool is_json_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const auto exponent = text.find_first_of("eE");
  if (exponent != text.npos) {
    auto digits = text.substr(exponent + 1);
    if (digits.starts_with('-') || digits.starts_with('+')) digits.remove_prefix(1);
    if (!all_digits(digits)) return false;
    text = text.substr(0, exponent);
  }
  const auto point = text.find('.');
  if (point != text.npos && !all_digits(text.substr(point + 1))) return false;
  return all_digits(text.substr(0, point));
}

/// Whether `text` was meant as a number, for better words than "not a number".
void refuse_quoted_number(const YamlNode& node, const std::string& text) {
  if (node.quoted && is_json_number(text)) {
    throw node.error("the number " + text + " is in quotes, which make it text",
                     "remove the quotes");
  }
}

template <class Integer>
Integer read_integer(const YamlNode& node, YamlRange<Integer> range) {
  const auto bounds = "from " + std::to_string(range.min) + " to " + std::to_string(range.max);
  const auto& text = need_scalar(node, "a whole number");
  refuse_quoted_number(node, text);
  refuse_odd_number(node, text);
  if (!is_json_number(text) || node.quoted) {
    throw node.error("expected a whole number, " + found(node), "write a number " + bounds);
  }
  if (text.find_first_of(".eE") != text.npos) {
    throw node.error(shown(text) + " is not a whole number", "write digits only, without . or e");
  }
  Integer number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (!whole || number < range.min || number > range.max) {
    throw node.error(text + " is out of range", "write a number " + bounds);
  }
  return number;
}

/// A number and its unit, split where the digits end.
struct Quantity {
  std::string_view number;
  std::string_view unit;
};

Quantity split_quantity(std::string_view text) {
  const auto end = text.find_first_not_of("0123456789.");
  if (end == text.npos) return {text, ""};
  return {text.substr(0, end), text.substr(end)};
}

}  // namespace

void internal::refuse_odd_number(const YamlNode& node, std::string_view text) {
  const auto refuse = [&](const std::string& wrong, const std::string& mend) {
    throw node.error(shown(text) + " " + wrong, mend);
  };
  const auto body = text.substr(text.starts_with('-') || text.starts_with('+') ? 1 : 0);
  if (text.starts_with('+') && !body.empty()) {
    refuse("has a plus sign", "write " + std::string(body));
  }
  if (body.size() > 1 && body[0] == '0' && std::string_view("xXoObB").find(body[1]) != body.npos) {
    refuse("is not decimal", "write the number in decimal");
  }
  if (body.size() > 1 && body[0] == '0' && body[1] >= '0' && body[1] <= '9') {
    const auto first = body.find_first_not_of('0');
    const auto plain = first == body.npos ? std::string("0") : std::string(body.substr(first));
    refuse("has a leading zero, which some readers take for octal", "write " + plain);
  }
  if (!body.empty() && body[0] >= '0' && body[0] <= '9' && body.find_first_of("_'") != body.npos) {
    refuse("has a digit separator", "write " + without(text, "_'"));
  }
  const auto word = without(body, ".");
  if (word == "nan" || word == "NaN" || word == "NAN" || word == "inf" || word == "Inf" ||
      word == "INF") {
    refuse("is not finite", "write a finite number");
  }
}

std::string internal::duration_text(YamlDuration duration) {
  struct Unit {
    std::string_view name;
    std::int64_t nanoseconds;
  };
  static constexpr std::array<Unit, 7> kUnits{{{"d", 86'400'000'000'000},
                                               {"h", 3'600'000'000'000},
                                               {"min", 60'000'000'000},
                                               {"s", 1'000'000'000},
                                               {"ms", 1'000'000},
                                               {"us", 1'000},
                                               {"ns", 1}}};
  if (duration.count() == 0) return "0s";
  const auto* unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& one) {
    return duration.count() % one.nanoseconds == 0;
  });
  return std::to_string(duration.count() / unit->nanoseconds) + std::string(unit->name);
}

std::uint64_t as_uint(const YamlNode& node, YamlRange<std::uint64_t> range) {
  return read_integer<std::uint64_t>(node, range);
}

std::int64_t as_int(const YamlNode& node, YamlRange<std::int64_t> range) {
  return read_integer<std::int64_t>(node, range);
}

double as_double(const YamlNode& node, YamlRange<double> range) {
  const auto& text = need_scalar(node, "a number");
  refuse_quoted_number(node, text);
  refuse_odd_number(node, text);
  if (!is_json_number(text) || node.quoted) {
    throw node.error("expected a number, " + found(node), "write a decimal number such as 0.5");
  }
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (!whole || !std::isfinite(number) || number < range.min || number > range.max) {
    std::ostringstream bounds;
    bounds << "write a number from " << range.min << " to " << range.max;
    throw node.error(shown(text) + " is out of range", bounds.str());
  }
  return number;
}

bool as_bool(const YamlNode& node) {
  const auto& text = need_scalar(node, "true or false");
  if (!node.quoted && text == "true") return true;
  if (!node.quoted && text == "false") return false;
  if (node.quoted && (text == "true" || text == "false")) {
    throw node.error(text + " is in quotes, which make it text", "remove the quotes");
  }
  throw node.error("expected true or false, " + found(node), "write true or false");
}

const std::string& as_string(const YamlNode& node) {
  const auto& text = need_scalar(node, "text");
  static constexpr std::array<std::string_view, 6> kBooleans{"true",  "false", "True",
                                                             "False", "TRUE",  "FALSE"};
  const bool boolean = std::find(kBooleans.begin(), kBooleans.end(), text) != kBooleans.end();
  if (!node.quoted && (boolean || is_json_number(text))) {
    throw node.error(
        "expected text, found the " + std::string(boolean ? "boolean " : "number ") + text,
        "put it in quotes: \"" + text + "\"");
  }
  return text;
}

const std::string& as_text(const YamlNode& node) { return need_scalar(node, "a value"); }

YamlDuration as_duration(const YamlNode& node, YamlRange<YamlDuration> range) {
  const auto& text = need_scalar(node, "a duration");
  refuse_odd_number(node, text);
  if (is_json_number(text)) {
    throw node.error("the duration " + shown(text) + " has no unit",
                     "write one of ns, us, ms, s, min, h or d behind it, for example " +
                         (all_digits(text) ? text : std::string("250")) + "ms");
  }
  if (text.starts_with('-')) {
    throw node.error("the duration " + shown(text) + " is negative", "write a positive one");
  }
  const auto number = split_quantity(text).number;
  YamlDuration duration{0};
  try {
    if (!is_json_number(number)) throw ConfigError("no number");
    duration = parse_duration(text);
  } catch (const ConfigError&) {
    const bool readable = is_json_number(number) && number.size() > 9;
    throw node.error(
        readable ? shown(text) + " is out of range" : "expected a duration, " + found(node),
        "write a number with one of the units ns, us, ms, s, min, h or d, for example 250ms");
  }
  if (duration < range.min || duration > range.max) {
    const bool unbounded = range.max == YamlDuration::max();
    throw node.error(shown(text) + " is out of range",
                     "write at least " + duration_text(range.min) +
                         (unbounded ? "" : " and at most " + duration_text(range.max)));
  }
  return duration;
}

std::uint64_t as_bytes(const YamlNode& node, YamlRange<std::uint64_t> range) {
  const auto& text = need_scalar(node, "a size in bytes");
  refuse_odd_number(node, text);
  const auto quantity = split_quantity(text);
  const auto number = quantity.number;
  const auto unit_name = quantity.unit;
  if (unit_name.empty() || !is_json_number(number)) return read_integer<std::uint64_t>(node, range);
  const auto unit = internal::bytes_of_unit(unit_name);
  if (!unit) {
    throw node.error("unknown unit " + shown(unit_name) + " in " + shown(text),
                     "write bytes, or one of B, kB, MB, GB, TB, KiB, MiB, GiB, TiB");
  }
  long double value = 0;
  std::from_chars(number.data(), number.data() + number.size(), value);
  value *= static_cast<long double>(*unit);
  const bool fits = value < 18'446'744'073'709'551'616.0L;
  const auto bytes = fits ? static_cast<std::uint64_t>(value) : 0;
  if (!fits || bytes < range.min || bytes > range.max) {
    throw node.error(
        shown(text) + " is out of range",
        "write from " + std::to_string(range.min) + " to " + std::to_string(range.max) + " bytes");
  }
  if (static_cast<long double>(bytes) != value) {
    throw node.error(shown(text) + " is not a whole number of bytes", "write a smaller unit");
  }
  return bytes;
}

}  // namespace tarmac
