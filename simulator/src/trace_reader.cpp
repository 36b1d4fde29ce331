#include <tarmac/core/error.h>
#include <tarmac/simulator/trace_reader.h>

#include <algorithm>
#include <utility>

#include "trace_format.h"
#include "trace_input.h"

namespace tarmac {
namespace {

/// What is looked at to tell the form: more than any header.
constexpr std::size_t kHeadBytes = 4'096;

}  // namespace

double TraceProgress::fraction() const noexcept {
  if (!bytes_total.has_value()) return 0;
  if (*bytes_total == 0) return 1;
  return std::min(1.0, static_cast<double>(bytes_read) / static_cast<double>(*bytes_total));
}

TraceReader::TraceReader(std::filesystem::path file, const TraceOptions& options)
    : file_(std::move(file)), strict_(options.strict) {
  try {
    input_ = std::make_unique<internal::TraceInput>(file_);
  } catch (const internal::Damage& damage) {
    throw ConfigError(file_.string() + ": " + damage.message);
  }
  try {
    open(options);
  } catch (const internal::Damage& damage) {
    piece_ = 1;
    fail(damage.message);
  } catch (const internal::Malformed& malformed) {
    piece_ = 1;
    fail(malformed.message);
  }
}

TraceReader::TraceReader(TraceReader&&) noexcept = default;
TraceReader& TraceReader::operator=(TraceReader&&) noexcept = default;
TraceReader::~TraceReader() = default;

TraceProgress TraceReader::progress() const noexcept { return input_->progress(); }
bool TraceReader::has_size() const noexcept { return format_->has_size(); }
bool TraceReader::has_ttl() const noexcept { return format_->has_ttl(); }

void TraceReader::open(const TraceOptions& options) {
  const std::string_view head = options.format.empty() ? input_->peek(kHeadBytes) : "";
  try {
    const auto& row = internal::choose_format(options.format, file_.filename().string(), head);
    format_name_ = row.info.name;
    format_ = row.make();
  } catch (const internal::Malformed&) {
    // A damaged file may look as if it were empty or of no form: the damage is what is to be told.
    input_->expect_no_damage();
    throw;
  }
  format_->read_header(*input_);
  record_bytes_ = format_->record_bytes();
  has_time_ = format_->has_time();
  piece_ = format_->header_pieces();
}

bool TraceReader::next(Request& request) {
  if (ahead_left_ == 0) {
    if (!read_piece()) return false;
  } else {
    format_->advance(ahead_);
  }
  --ahead_left_;
  if (!has_time_) ahead_.time = requests_;
  ++requests_;
  request = ahead_;
  return true;
}

/// Reads pieces until one stands for a request. False at the end of the trace.
bool TraceReader::read_piece() {
  if (!failure_.empty()) throw ConfigError(failure_);
  internal::Piece piece;
  while (ahead_left_ == 0) {
    ++piece_;
    try {
      const bool found =
          record_bytes_ == 0 ? input_->next_line(piece) : input_->next_record(piece, record_bytes_);
      if (!found) {
        --piece_;
        return false;
      }
      ahead_ = Request{};
      ahead_left_ = format_->read(piece, ahead_);
      accept_piece();
    } catch (const internal::Malformed& malformed) {
      ahead_left_ = 0;
      take_problem(malformed.message);
    } catch (const internal::Damage& damage) {
      fail(damage.message);
    }
  }
  return true;
}

void TraceReader::accept_piece() {
  if (!has_time_ || ahead_left_ == 0) return;
  if (ahead_.time < previous_time_) {
    throw internal::Malformed{"time " + std::to_string(ahead_.time) + " is before the " +
                              std::to_string(previous_time_) +
                              " of the line above; sort the trace by time"};
  }
  previous_time_ = ahead_.time;
}

void TraceReader::take_problem(const std::string& message) {
  if (strict_) fail(message);
  ++problems_.count;
  if (problems_.first.size() < TraceProblems::kDescribedMax) {
    problems_.first.push_back(at_place(message));
  }
}

std::string TraceReader::at_place(const std::string& message) const {
  return file_.string() + ":" + std::to_string(piece_) + ": " + message;
}

void TraceReader::fail(const std::string& message) {
  failure_ = at_place(message);
  throw ConfigError(failure_);
}

}  // namespace tarmac
