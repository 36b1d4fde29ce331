#include "key_pattern.h"

#include <charconv>
#include <optional>
#include <string_view>

namespace tarmac::demo {
namespace {

constexpr std::uint64_t kKeysMax = 1'000'000;

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

struct Range {
  std::uint64_t first;
  std::uint64_t last;
};

/// `1..1000`; nothing for anything that cannot be meant as a range of keys.
std::optional<Range> range_of(std::string_view inside) {
  const auto dots = inside.find("..");
  if (dots == std::string_view::npos) return std::nullopt;
  const auto first = number(inside.substr(0, dots));
  const auto last = number(inside.substr(dots + 2));
  if (!first || !last || *first > *last || *last - *first >= kKeysMax) return std::nullopt;
  return Range{*first, *last};
}

}  // namespace

KeyPattern KeyPattern::read(const YamlNode& node) {
  KeyPattern pattern;
  pattern.text_ = as_text(node);
  const std::string_view text = pattern.text_;
  if (text.empty()) throw node.error("the key is empty", "write at least one character");
  const auto open = text.find('{');
  const auto close = text.find('}');
  if (open == text.npos && close == text.npos) {
    pattern.before_ = pattern.text_;
    return pattern;
  }
  const auto range = open < close && close != text.npos
                         ? range_of(text.substr(open + 1, close - open - 1))
                         : std::nullopt;
  if (!range || text.find_first_of("{}", close + 1) != text.npos) {
    throw node.error("the braces hold no range of keys",
                     "write one range of at most a million, for example \"user:{1..1000}\"");
  }
  pattern.before_ = text.substr(0, open);
  pattern.after_ = text.substr(close + 1);
  pattern.first_ = range->first;
  pattern.last_ = range->last;
  pattern.single_ = false;
  return pattern;
}

KeyPattern KeyPattern::read_key(const YamlNode& element) {
  YamlNode key;
  key.text = element.key;
  key.quoted = true;
  key.line = element.key_line;
  key.column = element.key_column;
  key.path = element.path;
  key.file = element.file;
  return read(key);
}

std::string KeyPattern::at(std::uint64_t index) const {
  if (single_) return before_;
  return before_ + std::to_string(first_ + index) + after_;
}

std::string KeyPattern::value_at(std::uint64_t index, const std::string& value) const {
  const auto hole = value.find("{}");
  if (single_ || hole == std::string::npos) return value;
  return value.substr(0, hole) + std::to_string(first_ + index) + value.substr(hole + 2);
}

}  // namespace tarmac::demo
