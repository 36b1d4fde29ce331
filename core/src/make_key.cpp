// The encoding, each part of which says where it ends, so that parts can stand beside each other:
//
//   i<decimal>;  integer           s<length>:<bytes>  string        n  nothing     o<part> optional
//   c<decimal>;  character         d<16 hex digits>   double        t  true        f  false
//   ei<decimal>; enumeration       vi<index>;<part>   variant       u<length>:<name><part>  user's
//   (<parts>)  tuple   [<parts>]  sequence   {<parts>}  set   <<key><value>...>  map
//   k<length>:<name><part>  named argument, after all others and sorted by name
//
// What is stored under such keys outlives the process: a change here is a breaking one.
#include <tarmac/core/make_key.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

namespace tarmac {
namespace internal {
namespace {

template <class Integer>
void append_decimal(std::string& out, Integer value) {
  std::array<char, 24> digits{};  // Not std::to_string, which some locales change.
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

}  // namespace

void append_integer(std::string& out, std::int64_t value) {
  out += 'i';
  append_decimal(out, value);
  out += ';';
}

void append_unsigned(std::string& out, std::uint64_t value) {
  out += 'i';
  append_decimal(out, value);
  out += ';';
}

void append_character(std::string& out, std::uint32_t code) {
  out += 'c';
  append_decimal(out, code);
  out += ';';
}

void append_float(std::string& out, double value) {
  static_assert(std::numeric_limits<double>::is_iec559);
  constexpr std::uint64_t kOneNan = 0x7FF8000000000000ULL;
  // Which NaN it is depends on the processor.
  const auto bits = std::isnan(value) ? kOneNan : std::bit_cast<std::uint64_t>(value);
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += 'd';
  for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[(bits >> shift) & 15U];
}

void append_text(std::string& out, char tag, std::string_view text) {
  out += tag;
  append_decimal(out, text.size());
  out += ':';
  out += text;
}

void append_sorted(std::string& out, char open, std::vector<std::string>& parts, char close) {
  std::sort(parts.begin(), parts.end());
  out += open;
  for (const auto& part : parts) out += part;
  out += close;
}

void append_keywords(std::string& out,
                     std::vector<std::pair<std::string_view, std::string>>& keywords) {
  std::sort(keywords.begin(), keywords.end());
  std::string_view before;
  bool first = true;
  for (const auto& [name, part] : keywords) {
    if (!first && name == before) {
      throw UsageError("tarmac::make_key: two arguments are named \"" + std::string(name) +
                       "\"; give each a name of its own");
    }
    append_text(out, 'k', name);
    out += part;
    before = name;
    first = false;
  }
}

std::string_view view_of_chars(const char* text) {
  if (text == nullptr) {
    throw UsageError(
        "tarmac::make_key: a null const char* cannot be part of a key; pass a std::optional");
  }
  return text;
}

namespace {

/// Deeper nesting is taken for something that make_key() has not made, not for a reason to recurse.
constexpr int kDepthMax = 100;

/// Reads a key part by part. Each read_*() is false where the text is no key.
class KeyReader {
 public:
  explicit KeyReader(std::string_view key) : rest_(key) {}

  [[nodiscard]] bool read_all() {
    for (bool first = true; !rest_.empty(); first = false) {
      if (!first) text_ += ", ";
      if (rest_.front() == 'k') {
        std::string_view name;
        if (!take_text(name)) return false;
        append_name(name);
        text_ += '=';
      }
      if (!read_part(0)) return false;
    }
    return true;
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

  void append_quoted(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text_ += '"';
    for (const char c : bytes) {
      const auto code = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        text_ += '\\';
        text_ += c;
      } else if (code < 0x20 || code == 0x7F) {
        text_ += "\\x";
        text_ += kDigits[code >> 4U];
        text_ += kDigits[code & 15U];
      } else {
        text_ += c;
      }
    }
    text_ += '"';
  }

 private:
  /// A name as it is, unless it could be taken for something else.
  void append_name(std::string_view name) {
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-";
    if (!name.empty() && name.find_first_not_of(kPlain) == std::string_view::npos) {
      text_ += name;
    } else {
      append_quoted(name);
    }
  }
  [[nodiscard]] char take_char() {
    const char c = rest_.empty() ? '\0' : rest_.front();
    if (!rest_.empty()) rest_.remove_prefix(1);
    return c;
  }
  [[nodiscard]] bool take_until(char end, std::string_view& found) {
    const auto at = rest_.find(end);
    if (at == std::string_view::npos) return false;
    found = rest_.substr(0, at);
    rest_.remove_prefix(at + 1);
    return true;
  }
  /// A tag, a length and as many bytes.
  [[nodiscard]] bool take_text(std::string_view& found) {
    static_cast<void>(take_char());
    std::string_view digits;
    if (!take_until(':', digits)) return false;
    std::size_t length = 0;
    const auto end = digits.data() + digits.size();
    const auto result = std::from_chars(digits.data(), end, length);
    if (result.ec != std::errc() || result.ptr != end || length > rest_.size()) return false;
    found = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return true;
  }
  [[nodiscard]] bool take_number(std::string_view& found) {
    static_cast<void>(take_char());
    if (!take_until(';', found) || found.empty()) return false;
    const auto digits = found.substr(found.front() == '-' ? 1 : 0);
    return !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  }

  [[nodiscard]] bool read_number() {
    std::string_view digits;
    if (!take_number(digits)) return false;
    text_ += digits;
    return true;
  }
  [[nodiscard]] bool read_character() {
    std::string_view digits;
    if (!take_number(digits)) return false;
    std::uint32_t code = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), code);
    const bool plain = code >= 0x20 && code < 0x7F;
    text_ += plain ? std::string{'\'', static_cast<char>(code), '\''}
                   : "char(" + std::string(digits) + ")";
    return true;
  }
  [[nodiscard]] bool read_float() {
    static_cast<void>(take_char());
    std::uint64_t bits = 0;
    if (rest_.size() < 16) return false;
    const auto end = rest_.data() + 16;
    const auto result = std::from_chars(rest_.data(), end, bits, 16);
    if (result.ec != std::errc() || result.ptr != end) return false;
    rest_.remove_prefix(16);
    std::array<char, 32> digits{};
    const auto shown =
        std::to_chars(digits.data(), digits.data() + digits.size(), std::bit_cast<double>(bits));
    const std::string number(digits.data(), shown.ptr);
    text_ += number;
    if (number.find_first_not_of("-0123456789") == std::string::npos) text_ += ".0";
    return true;
  }
  [[nodiscard]] bool read_group(char close, int depth) {
    const bool is_map = close == '>';
    const char open = take_char();
    text_ += is_map ? '{' : open;
    for (std::size_t i = 0;; ++i) {
      if (rest_.empty()) return false;
      if (rest_.front() == close) break;
      if (i > 0) text_ += is_map && i % 2 == 1 ? ": " : ", ";
      if (!read_part(depth + 1)) return false;
    }
    rest_.remove_prefix(1);
    text_ += is_map ? '}' : close;
    return true;
  }
  [[nodiscard]] bool read_user(int depth) {
    std::string_view name;
    if (!take_text(name)) return false;
    append_name(name);
    text_ += ' ';
    return read_part(depth + 1);
  }
  [[nodiscard]] bool read_word(std::string_view word) {
    static_cast<void>(take_char());
    text_ += word;
    return true;
  }
  [[nodiscard]] bool read_string() {
    std::string_view text;
    if (!take_text(text)) return false;
    append_quoted(text);
    return true;
  }
  [[nodiscard]] bool read_variant(int depth) {
    static_cast<void>(take_char());
    std::string_view index;
    return !rest_.empty() && rest_.front() == 'i' && take_number(index) && read_part(depth + 1);
  }

  [[nodiscard]] bool read_part(int depth) {
    if (rest_.empty() || depth > kDepthMax) return false;
    switch (rest_.front()) {
      case 'i':
        return read_number();
      case 'c':
        return read_character();
      case 'd':
        return read_float();
      case 's':
        return read_string();
      case 't':
        return read_word("true");
      case 'f':
        return read_word("false");
      case 'n':
        return read_word("nothing");
      case 'e':
        return read_word("enum ") && read_part(depth + 1);
      case 'o':
        return read_word("") && read_part(depth + 1);
      case 'v':
        return read_variant(depth);
      case 'u':
        return read_user(depth);
      case '(':
        return read_group(')', depth);
      case '[':
        return read_group(']', depth);
      case '{':
        return read_group('}', depth);
      case '<':
        return read_group('>', depth);
      default:
        return false;
    }
  }

  std::string_view rest_;
  std::string text_;
};

}  // namespace
}  // namespace internal

std::string describe_key(std::string_view key) {
  internal::KeyReader reader(key);
  if (reader.read_all()) return reader.take();
  internal::KeyReader quoted({});
  quoted.append_quoted(key);
  return quoted.take();
}

}  // namespace tarmac
