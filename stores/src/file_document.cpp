#include "file_document.h"

#include <tarmac/core/error.h>
#include <tarmac/core/hash.h>
#include <tarmac/core/internal/base64.h>

#include <array>
#include <nlohmann/json.hpp>

#include "stored_row.h"

namespace tarmac::internal {
namespace {

using nlohmann::json;

constexpr std::string_view kFormat = R"({"format":"tarmac store","version":)";
constexpr std::string_view kVersion = "1";
constexpr std::string_view kBeforeChecksum = R"(,"checksum":")";
constexpr std::string_view kAfterChecksum = R"(","rows":[)";
constexpr std::string_view kEnd = "]}\n";
constexpr std::uint64_t kDocumentSeed = 0x7461726d61635f64;

/// `"name":"text"`, or `"name_base64":"…"` for what is no UTF-8 text.
std::string field(std::string_view name, const std::string& bytes) {
  const std::string start = "\"" + std::string(name);
  try {
    return start + "\":" + json(bytes).dump();
  } catch (const json::type_error&) {  // The library's one way to say that this is no UTF-8.
    return start + "_base64\":\"" + to_base64(bytes) + "\"";
  }
}

std::optional<std::string> bytes_in(const json& row, const std::string& name) {
  if (const auto text = row.find(name); text != row.end()) return text->get<std::string>();
  const auto packed = row.find(name + "_base64");
  if (packed == row.end()) return std::nullopt;
  auto bytes = from_base64(packed->get_ref<const std::string&>());
  if (!bytes) throw StoreError(name + "_base64 is not base64");
  return bytes;
}

/// A number that is not whole, or too large, would be converted to something; and that is not
/// defined.
template <class Whole>
Whole whole_number(const json& value, const std::string& name) {
  if (std::is_unsigned_v<Whole> ? !value.is_number_unsigned() : !value.is_number_integer()) {
    throw StoreError(name + " is not a whole number that fits");
  }
  return value.get<Whole>();
}

/// The row in `line`. Throws StoreError, or what the JSON library throws.
StoreWrite parse_row(std::string_view line) {
  const auto row = json::parse(line);
  auto key = bytes_in(row, "key");
  if (!key) throw StoreError("it has no key");
  StoreWrite write;
  write.key = std::move(*key);
  write.value = bytes_in(row, "value");
  write.stamp = whole_number<std::uint64_t>(row.at("stamp"), "stamp");
  if (const auto expiry = row.find("expires_at"); expiry != row.end()) {
    write.expires_at = whole_number<WallNanos>(*expiry, "expires_at");
  }
  const RowView view{write.key, write.value, write.stamp, write.expires_at};
  if (from_hex16(row.at("check").get_ref<const std::string&>()) != checksum_of(view)) {
    throw StoreError("its checksum does not fit");
  }
  return write;
}

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw StoreError("store file " + name + " is damaged: " + what +
                   "; nothing was written to it: bring back a copy, or move it away to begin anew");
}

FileRows parse_rows(std::string_view text, std::size_t first_byte, const std::string& name) {
  FileRows rows;
  for (std::size_t line_number = 2; !text.empty(); ++line_number) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    const bool last = end + 1 >= text.size();
    if (!last && !line.empty()) line.remove_suffix(1);  // The comma.
    const auto place =
        "line " + std::to_string(line_number) + " (byte " + std::to_string(first_byte) + ")";
    try {
      const auto write = parse_row(line);
      if (!rows.emplace(write.key, make_file_row(write)).second) {
        refuse(name, place + ": the key " + shown_key(write.key) + " stands there twice");
      }
    } catch (const json::exception& error) {
      refuse(name, place + ": " + error.what());
    } catch (const StoreError& error) {
      refuse(name, place + ": " + error.what());
    }
    first_byte += std::min(end + 1, text.size());
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return rows;
}

/// What the first line says the rest must have as its checksum.
std::optional<std::uint64_t> announced_checksum(std::string_view head, const std::string& name) {
  if (!head.starts_with(kFormat)) refuse(name, "it does not begin as a store's document does");
  head.remove_prefix(kFormat.size());
  const auto version = head.substr(0, head.find(','));
  if (version != kVersion) {
    throw StoreError("store file " + name + " has version " + shown_key(version) +
                     ", and this program knows 1: read it with the program that wrote it");
  }
  head.remove_prefix(version.size());
  if (!head.starts_with(kBeforeChecksum) || !head.ends_with(kAfterChecksum)) return std::nullopt;
  head.remove_prefix(kBeforeChecksum.size());
  head.remove_suffix(kAfterChecksum.size());
  return from_hex16(head);
}

}  // namespace

std::shared_ptr<const FileRow> make_file_row(const StoreWrite& write) {
  auto row = std::make_shared<FileRow>();
  row->stamp = write.stamp;
  row->line = "{" + field("key", write.key);
  if (write.value) {
    row->value = StoredValue{*write.value, write.stamp, write.expires_at};
    row->line += "," + field("value", *write.value);
  }
  row->line += ",\"stamp\":" + std::to_string(write.stamp);
  if (write.expires_at) row->line += ",\"expires_at\":" + std::to_string(*write.expires_at);
  const RowView view{write.key, write.value, write.stamp, write.expires_at};
  row->line += ",\"check\":\"" + hex16(checksum_of(view)) + "\"}";
  return row;
}

std::string write_document(const FileRows& rows) {
  std::string text;
  std::size_t size = kEnd.size();
  for (const auto& [key, row] : rows) size += row->line.size() + 2;
  const auto head_size =
      kFormat.size() + kVersion.size() + kBeforeChecksum.size() + 16 + kAfterChecksum.size() + 1;
  text.reserve(head_size + size);
  text.append(head_size, ' ');
  for (const auto& [key, row] : rows) {
    if (text.size() > head_size) text += ",\n";
    text += row->line;
  }
  text += text.size() > head_size ? "\n" : "";
  text += kEnd;
  const auto sum = hash_bytes(std::string_view(text).substr(head_size), kDocumentSeed);
  std::string head(kFormat);
  head.append(kVersion).append(kBeforeChecksum).append(hex16(sum)).append(kAfterChecksum);
  text.replace(0, head_size, head + "\n");
  return text;
}

FileRows read_document(std::string_view document, const std::string& name) {
  const auto head_end = document.find('\n');
  const auto head = document.substr(0, head_end);
  const auto announced = announced_checksum(head, name);
  if (!announced || head_end == std::string_view::npos) refuse(name, "line 1 (byte 0)");
  const auto content = document.substr(head_end + 1);
  if (!content.ends_with(kEnd)) {
    refuse(name, "it ends too early, at byte " + std::to_string(document.size()));
  }
  const bool whole = hash_bytes(content, kDocumentSeed) == *announced;
  // Even if it is not: the rows may tell which of them is damaged.
  auto rows = parse_rows(content.substr(0, content.size() - kEnd.size()), head_end + 1, name);
  if (!whole) refuse(name, "each line is sound, but lines are missing, moved or foreign");
  return rows;
}

}  // namespace tarmac::internal
