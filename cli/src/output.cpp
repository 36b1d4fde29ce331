#include "output.h"

#include <tarmac/core/error.h>

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace tarmac::cli {

ProgressLine::ProgressLine(bool wanted) : shown_(wanted && isatty(STDERR_FILENO) == 1) {}

void ProgressLine::show(double fraction, const std::string& text) {
  if (!shown_) return;
  constexpr int kWidth = 30;
  const int percent = static_cast<int>(fraction * 100);
  if (percent == percent_ && text == text_) return;
  percent_ = percent;
  text_ = text;
  const auto filled = static_cast<std::size_t>(percent * kWidth / 100);
  fmt::print(stderr, "\r\x1b[K[{}{}] {:>3} %  {}", std::string(filled, '#'),
             std::string(kWidth - filled, '.'), percent, text);
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressLine::clear() {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
  drawn_ = false;
}

bool may_colour(bool refused) {
  const char* no_color = std::getenv("NO_COLOR");
  const bool refused_by_user = no_color != nullptr && *no_color != '\0';
  return isatty(STDOUT_FILENO) == 1 && !refused && !refused_by_user;
}

void expect_writable(const std::string& file) {
  if (file.empty()) return;
  if (!std::ofstream(file, std::ios::binary | std::ios::app)) {
    throw ConfigError(file + ": cannot be written; name a place that can");
  }
}

void write_file(const std::string& file, const std::string& text) {
  if (file.empty()) return;
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw std::runtime_error(file + ": could not be written; is the disk full?");
}

}  // namespace tarmac::cli
