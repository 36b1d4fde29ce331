#include <tarmac/simulator/trace_formats.h>

#include <tarmac/core/parameters.h>

#include <algorithm>
#include <array>
#include <string>

#include "trace_format.h"

namespace tarmac {
namespace internal {
namespace {

std::string in_lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

std::string all_names() {
  std::string result;
  for (const FormatRow& row : format_rows()) {
    result += (result.empty() ? "" : " ") + std::string(row.info.name);
  }
  return result;
}

const FormatRow& named(std::string_view wanted) {
  std::vector<std::string> names;
  for (const FormatRow& row : format_rows()) {
    if (row.info.name == wanted) return row;
    names.emplace_back(row.info.name);
  }
  std::string message = "there is no trace format \"" + std::string(wanted) + "\"";
  const auto near = nearest_name(wanted, names);
  if (!near.empty()) message += "; did you mean \"" + std::string(near) + "\"?";
  throw Malformed{message + " (known: " + all_names() + ")"};
}

}  // namespace

// To add a format, write its file in formats/, and add its line here. Those whose first line shows
// what they are come first.
std::span<const FormatRow> format_rows() noexcept {
  static const auto rows = std::to_array<FormatRow>({
      csv_format(),
      cloud_physics_format(),
      json_lines_format(),
      address_format(),
      arc_format(),
      time_id_size_format(),
      oracle_general_format(),
      int32_big_endian_format(),
      int32_little_endian_format(),
      int64_big_endian_format(),
      int64_little_endian_format(),
      keys_format(),
  });
  return rows;
}

const FormatRow& choose_format(std::string_view wanted, std::string_view file_name,
                               std::string_view head) {
  if (!wanted.empty()) return named(wanted);
  std::string name = in_lower_case(file_name);
  for (const std::string_view packed : {".zst", ".gz"}) {
    if (name.ends_with(packed)) name.resize(name.size() - packed.size());
  }
  const auto suits = [&](const FormatRow& row, bool guessing) {
    return row.suits_content != nullptr && row.guesses == guessing && row.suits_content(head);
  };
  // What is sure first: a name is easily wrong, a header is not.
  for (const FormatRow& row : format_rows()) {
    if (suits(row, false)) return row;
  }
  for (const FormatRow& row : format_rows()) {
    if (row.suits_name(name)) return row;
  }
  for (const FormatRow& row : format_rows()) {
    if (suits(row, true)) return row;
  }
  if (head.empty()) {
    throw Malformed{
        "the file is empty; its first line names the columns, for example \"time,key,size\""};
  }
  throw Malformed{"neither name nor content tell the format; say which with --format: " +
                  all_names()};
}

}  // namespace internal

std::vector<TraceFormatInfo> trace_formats() {
  std::vector<TraceFormatInfo> result;
  for (const auto& row : internal::format_rows()) result.push_back(row.info);
  return result;
}

}  // namespace tarmac
