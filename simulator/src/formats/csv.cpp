// CSV with a header that names the columns, some of `time,key,size,op,ttl`.
#include <tarmac/core/parameters.h>

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "trace_format.h"
#include "words.h"

namespace tarmac::internal {
namespace {

/// What this many digits spell always fits 64 bits.
constexpr std::ptrdiff_t kSafeDigits = 19;
/// The longest TTL that the cache's nanoseconds can count, 292 years.
constexpr std::uint64_t kTtlSecondsMax =
    static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / 1'000'000'000U;
constexpr std::array<std::string_view, 5> kColumns{"time", "key", "size", "op", "ttl"};

class Csv final : public TraceFormat {
 public:
  [[nodiscard]] std::uint64_t header_pieces() const noexcept override { return 1; }
  [[nodiscard]] bool has_time() const noexcept override { return has_[0]; }
  [[nodiscard]] bool has_size() const noexcept override { return has_[2]; }
  [[nodiscard]] bool has_ttl() const noexcept override { return has_[4]; }

  void read_header(TraceInput& input) override {
    Piece header;
    if (!input.next_line(header)) {
      throw Malformed{
          "the file is empty; its first line names the columns, for example \"time,key,size\""};
    }
    if (!header.text.empty() && is_digit(header.text.front())) {
      throw Malformed{
          "there is no header; put one before it that names the columns, for example \"key\""};
    }
    if (!header.ended) {
      throw Malformed{"the header " + quoted(header.text) +
                      " does not end; the file was cut short or is no trace"};
    }
    accept_columns(header.text);
  }

  std::uint64_t read(const Piece& piece, Request& request) override {
    cursor_ = piece.text.data();
    end_ = cursor_ + piece.text.size();
    if (!piece.ended) {
      throw Malformed{
          "the last line does not end; the file was cut short, or a line end is to be added"};
    }
    if (has_[0]) request.time = read_number("time");
    request.key = read_number("key");
    if (has_[2]) {
      request.size = read_number("size");
      if (request.size == 0) throw Malformed{"size is 0; an object has at least 1 byte"};
    }
    if (has_[3]) request.is_write = read_operation();
    if (has_[4]) {
      const std::uint64_t seconds = read_number("ttl");
      if (seconds > kTtlSecondsMax) {
        throw Malformed{"ttl " + std::to_string(seconds) + " is over " +
                        std::to_string(kTtlSecondsMax) + " seconds; write 0 for none"};
      }
      request.ttl = std::chrono::seconds(seconds);
    }
    return 1;
  }

 private:
  void accept_columns(std::string_view header);
  [[nodiscard]] std::uint64_t read_number(std::string_view column);
  [[nodiscard]] bool read_operation();
  void end_field(std::string_view column, const char* start);
  [[noreturn]] void fail_in_field(std::string_view column, const char* start) const;

  std::array<bool, kColumns.size()> has_{};
  std::string_view last_column_;
  const char* cursor_ = nullptr;
  const char* end_ = nullptr;
};

void Csv::accept_columns(std::string_view header) {
  std::size_t next_allowed = 0;
  while (true) {
    const std::size_t comma = header.find(',');
    const std::string_view name = header.substr(0, comma);
    const auto* const found = std::find(kColumns.begin(), kColumns.end(), name);
    if (found == kColumns.end()) {
      const std::vector<std::string> known(kColumns.begin(), kColumns.end());
      const std::string_view near = nearest_name(name, known);
      throw Malformed{"unknown column " + quoted(name) +
                      (near.empty() ? "" : ", did you mean " + quoted(near) + "?") +
                      "; the columns are time,key,size,op,ttl"};
    }
    const auto index = static_cast<std::size_t>(found - kColumns.begin());
    if (has_[index]) {
      throw Malformed{"column " + quoted(name) + " comes twice; name each column once"};
    }
    if (index < next_allowed) {
      throw Malformed{"column " + quoted(name) +
                      " is out of order; the order is time,key,size,op,ttl"};
    }
    has_[index] = true;
    next_allowed = index + 1;
    last_column_ = *found;
    if (comma == std::string_view::npos) break;
    header.remove_prefix(comma + 1);
  }
  if (!has_[1]) {
    throw Malformed{"there is no column \"key\"; a request without a key names no object"};
  }
}

/// Scans one number and the comma or line end behind it.
std::uint64_t Csv::read_number(std::string_view column) {
  const char* const start = cursor_;
  const char* at = start;
  std::uint64_t value = 0;
  // Stops behind the line at the latest. May wrap, which is looked at below.
  while (is_digit(*at)) value = value * 10 + static_cast<std::uint64_t>(*at++ - '0');
  if (at == start) fail_in_field(column, start);
  if (at - start > kSafeDigits) {
    value = whole_number({start, static_cast<std::size_t>(at - start)}, column);
  }
  cursor_ = at;
  end_field(column, start);
  return value;
}

bool Csv::read_operation() {
  const char* const start = cursor_;
  if (start == end_ || (*start != 'r' && *start != 'w')) fail_in_field("op", start);
  ++cursor_;
  end_field("op", start);
  return *start == 'w';
}

/// Steps over the comma or the line end that must come now.
void Csv::end_field(std::string_view column, const char* start) {
  const bool is_last = column == last_column_;
  if (cursor_ == end_) {
    if (is_last) return;
    throw Malformed{"the line ends after " + std::string(column) + ", there must be more up to " +
                    std::string(last_column_) + "; give every line all columns of the header"};
  }
  if (*cursor_ != ',') fail_in_field(column, start);
  if (is_last) {
    throw Malformed{"there is more behind " + std::string(column) +
                    ", the last column of the header; give every line as many fields as the "
                    "header"};
  }
  ++cursor_;
}

/// Reports the field that begins at `start` as none of the kind its column wants.
void Csv::fail_in_field(std::string_view column, const char* start) const {
  const std::string_view field(start,
                               static_cast<std::size_t>(std::find(start, end_, ',') - start));
  if (field.empty()) {
    throw Malformed{"there is no " + std::string(column) +
                    "; give every line all columns of the header"};
  }
  if (field.back() == '\r') {
    throw Malformed{"the line ends with CR LF; convert the file to plain line ends"};
  }
  if (column == "op") throw Malformed{"op is " + quoted(field) + "; write r or w"};
  throw Malformed{std::string(column) + " is " + quoted(field) +
                  "; write a whole number in decimal digits, without sign, blank or quote"};
}

bool begins_with_a_column(std::string_view head) {
  const std::string_view line = first_line(head);
  const std::string_view first = line.substr(0, line.find(','));
  return std::find(kColumns.begin(), kColumns.end(), first) != kColumns.end();
}

}  // namespace

FormatRow csv_format() {
  return {{"csv", "CSV whose header names some of time,key,size,op,ttl, in this order"},
          [] { return std::unique_ptr<TraceFormat>(std::make_unique<Csv>()); },
          [](std::string_view name) { return name.ends_with(".csv"); },
          begins_with_a_column};
}

}  // namespace tarmac::internal
