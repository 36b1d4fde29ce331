#include <tarmac/core/error.h>
#include <tarmac/core/parameters.h>
#include <tarmac/simulator/trace_reader.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "byte_source.h"

namespace tarmac {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20U;
/// Longer than any line of a right trace: four numbers of 20 digits, an operation, the commas.
constexpr std::size_t kLineBytesMax = 128;
/// What this many digits spell always fits 64 bits.
constexpr std::ptrdiff_t kSafeDigits = 19;
/// No 64-bit number has more; further leading zeros are refused, so that a line has a longest form.
constexpr std::size_t kDigitsMax = 20;
/// The longest TTL that the cache's nanoseconds can count, 292 years.
constexpr std::uint64_t kTtlSecondsMax =
    static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / 1'000'000'000U;

constexpr std::array<std::string_view, 5> kColumns{"time", "key", "size", "op", "ttl"};

/// A piece of the file for a message: short, and with nothing in it that upsets a terminal.
std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 32;
  std::string result = "\"";
  for (const char c : text.substr(0, kShown)) {
    result += (c >= ' ' && c <= '~') ? c : '?';
  }
  if (text.size() > kShown) result += "...";
  return result + "\"";
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// `digits` without overflow, or nothing. For the rare number of 20 digits or more.
std::optional<std::uint64_t> long_number(std::string_view digits) {
  std::uint64_t value = 0;
  for (const char c : digits) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

}  // namespace

double TraceProgress::fraction() const noexcept {
  if (!bytes_total.has_value()) return 0;
  if (*bytes_total == 0) return 1;
  return std::min(1.0, static_cast<double>(bytes_read) / static_cast<double>(*bytes_total));
}

TraceReader::TraceReader(std::filesystem::path file)
    : file_(std::move(file)), buffer_(kBufferBytes + 1) {
  cursor_ = end_ = buffer_.data();
  try {
    source_ = internal::open_byte_source(file_);
  } catch (const internal::Damage& damage) {
    throw ConfigError(file_.string() + ": " + damage.message);
  }
  read_header();
}

TraceReader::TraceReader(TraceReader&&) noexcept = default;
TraceReader& TraceReader::operator=(TraceReader&&) noexcept = default;
TraceReader::~TraceReader() = default;

TraceProgress TraceReader::progress() const noexcept { return source_->progress(); }

bool TraceReader::next(Request& request) {
  if (end_ - cursor_ < static_cast<std::ptrdiff_t>(kLineBytesMax)) {
    if (!source_ended_) refill();
    if (cursor_ == end_) {
      if (!damage_.empty()) fail(damage_);
      return false;
    }
  }
  const char* const line_start = cursor_;
  Request read;
  try {
    if (has_time_) {
      read.time = read_number("time");
      if (read.time < previous_time_) {
        fail("time " + std::to_string(read.time) + " is before the " +
             std::to_string(previous_time_) + " of the line above; sort the trace by time");
      }
    } else {
      read.time = requests_;
    }
    read.key = read_number("key");
    if (has_size_) {
      read.size = read_number("size");
      if (read.size == 0) fail("size is 0; an object has at least 1 byte");
    }
    if (has_op_) read.is_write = read_operation();
    if (has_ttl_) {
      const std::uint64_t seconds = read_number("ttl");
      if (seconds > kTtlSecondsMax) {
        fail("ttl " + std::to_string(seconds) + " is over " + std::to_string(kTtlSecondsMax) +
             " seconds; write 0 for none");
      }
      read.ttl = std::chrono::seconds(seconds);
    }
  } catch (const ConfigError&) {
    cursor_ = line_start;
    throw;
  }
  previous_time_ = read.time;
  ++line_;
  ++requests_;
  request = read;
  return true;
}

/// Moves what is left to the front and reads until a whole line is there or the file ends.
void TraceReader::refill() {
  const auto left = static_cast<std::size_t>(end_ - cursor_);
  std::memmove(buffer_.data(), cursor_, left);
  std::size_t filled = left;
  cursor_ = buffer_.data();
  end_ = cursor_ + left;
  try {
    while (filled < kLineBytesMax) {
      const std::size_t got =
          source_->read(std::span(buffer_.data() + filled, kBufferBytes - filled));
      if (got == 0) {
        source_ended_ = true;
        break;
      }
      filled += got;
    }
  } catch (const internal::Damage& damage) {
    // Reported when what came before it has been delivered.
    damage_ = damage.message;
    source_ended_ = true;
  }
  end_ = buffer_.data() + filled;
  buffer_[filled] = '\0';
}

void TraceReader::read_header() {
  refill();
  if (cursor_ == end_) {
    if (!damage_.empty()) fail(damage_);
    fail("the file is empty; its first line names the columns, for example \"time,key,size\"");
  }
  const std::string_view start(cursor_, static_cast<std::size_t>(end_ - cursor_));
  const std::size_t length = start.find('\n');
  if (is_digit(start.front())) {
    fail("there is no header; put one before it that names the columns, for example \"key\"");
  }
  if (length == std::string_view::npos) {
    if (!damage_.empty()) fail(damage_);
    fail("the header " + quoted(start) + " does not end; the file was cut short or is no trace");
  }
  accept_columns(start.substr(0, length));
  cursor_ += length + 1;
  line_ = 2;
}

void TraceReader::accept_columns(std::string_view header) {
  std::array<bool, kColumns.size()> present{};
  std::size_t next_allowed = 0;
  while (true) {
    const std::size_t comma = header.find(',');
    const std::string_view name = header.substr(0, comma);
    const auto found = std::find(kColumns.begin(), kColumns.end(), name);
    if (found == kColumns.end()) {
      const std::vector<std::string> known(kColumns.begin(), kColumns.end());
      const std::string_view near = nearest_name(name, known);
      fail("unknown column " + quoted(name) +
           (near.empty() ? "" : ", did you mean " + quoted(near) + "?") +
           "; the columns are time,key,size,op,ttl");
    }
    const auto index = static_cast<std::size_t>(found - kColumns.begin());
    if (present[index]) fail("column " + quoted(name) + " comes twice; name each column once");
    if (index < next_allowed) {
      fail("column " + quoted(name) + " is out of order; the order is time,key,size,op,ttl");
    }
    present[index] = true;
    next_allowed = index + 1;
    last_column_ = *found;
    if (comma == std::string_view::npos) break;
    header.remove_prefix(comma + 1);
  }
  if (!present[1]) fail("there is no column \"key\"; a request without a key names no object");
  has_time_ = present[0];
  has_size_ = present[2];
  has_op_ = present[3];
  has_ttl_ = present[4];
}

/// Scans one number and the comma or line end behind it.
std::uint64_t TraceReader::read_number(std::string_view column) {
  const char* const start = cursor_;
  const char* at = start;
  std::uint64_t value = 0;
  // Stops at the zero byte behind the data at the latest. May wrap, which is looked at below.
  while (is_digit(*at)) value = value * 10 + static_cast<std::uint64_t>(*at++ - '0');
  if (at == start) fail_in_field(column, start);
  if (at - start > kSafeDigits) {
    const std::string_view digits(start, static_cast<std::size_t>(at - start));
    const auto exact = long_number(digits);
    if (!exact.has_value() || digits.size() > kDigitsMax) {
      fail(std::string(column) + " " + quoted(digits) +
           " is too large; the largest is 18446744073709551615");
    }
    value = *exact;
  }
  cursor_ = at;
  end_field(column == last_column_, column);
  return value;
}

bool TraceReader::read_operation() {
  const char operation = *cursor_;
  if (operation != 'r' && operation != 'w') fail_in_field("op", cursor_);
  ++cursor_;
  end_field(last_column_ == "op", "op");
  return operation == 'w';
}

/// Steps over the comma or the line end that must come now.
void TraceReader::end_field(bool is_last, std::string_view column) {
  const char expected = is_last ? '\n' : ',';
  if (*cursor_ == expected) {
    ++cursor_;
    return;
  }
  if (cursor_ == end_) fail_at_end();
  if (*cursor_ == '\n') {
    fail("the line ends after " + std::string(column) + ", there must be more up to " +
         std::string(last_column_) + "; give every line all columns of the header");
  }
  if (*cursor_ == ',') {
    fail("there is more behind " + std::string(column) +
         ", the last column of the header; give every line as many fields as the header");
  }
  const char* start = cursor_;
  while (start > buffer_.data() && start[-1] != ',' && start[-1] != '\n') --start;
  fail_in_field(column, start);
}

/// Reports the field that begins at `start` as none of the kind its column wants.
void TraceReader::fail_in_field(std::string_view column, const char* start) const {
  const char* stop = start;
  while (stop != end_ && *stop != ',' && *stop != '\n') ++stop;
  if (stop == end_) fail_at_end();
  if (stop == start) {
    fail("there is no " + std::string(column) + "; give every line all columns of the header");
  }
  const std::string_view field(start, static_cast<std::size_t>(stop - start));
  if (field.back() == '\r') fail("the line ends with CR LF; convert the file to plain line ends");
  if (column == "op") fail("op is " + quoted(field) + "; write r or w");
  fail(std::string(column) + " is " + quoted(field) +
       "; write a whole number in decimal digits, without sign, blank or quote");
}

/// Reports that the bytes end before the line does.
void TraceReader::fail_at_end() const {
  if (!damage_.empty()) fail(damage_);
  if (!source_ended_) {
    fail("the line is longer than " + std::to_string(kLineBytesMax) +
         " bytes, which no request is; check that the file is a trace");
  }
  fail("the last line does not end; the file was cut short, or a line end is to be added");
}

void TraceReader::fail(const std::string& message) const {
  throw ConfigError(file_.string() + ":" + std::to_string(line_) + ": " + message);
}

}  // namespace tarmac
