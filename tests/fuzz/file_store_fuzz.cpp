// Documents of the store `file`: refused with StoreError, or read into what writes the same again.
#include <tarmac/core/error.h>
#include <tarmac/core/hash.h>

#include "file_document.h"
#include "fuzz.h"
#include "stored_row.h"

namespace {

using tarmac::StoreError;
using tarmac::fuzz::require;
using tarmac::internal::FileRows;

/// Whether the document was taken.
bool read(std::string_view document) {
  FileRows rows;
  try {
    rows = tarmac::internal::read_document(document, "fuzzed");
  } catch (const StoreError&) {
    return false;
  }
  const auto again =
      tarmac::internal::read_document(tarmac::internal::write_document(rows), "written");
  require(again.size() == rows.size(), "rows are lost on the way");
  for (const auto& [key, row] : rows) {
    const auto found = again.find(key);
    require(found != again.end() && found->second->stamp == row->stamp &&
                found->second->value.has_value() == row->value.has_value() &&
                (!row->value || found->second->value->bytes == row->value->bytes),
            "a row is another on the way");
  }
  return true;
}

/// A document whose rows are `rows`, with the checksum that fits: else it would be a wall.
std::string with_checksum(std::string_view rows) {
  constexpr std::uint64_t kDocumentSeed = 0x7461726d61635f64;
  const auto content = std::string(rows) + "\n]}\n";
  return R"({"format":"tarmac store","version":1,"checksum":")" +
         tarmac::internal::hex16(tarmac::hash_bytes(content, kDocumentSeed)) + "\",\"rows\":[\n" +
         content;
}

/// One row whose key and value are halves of `bytes`.
void read_back(std::string_view bytes) {
  tarmac::StoreWrite write;
  write.key = bytes.substr(0, bytes.size() / 2);
  if (bytes.size() % 3 != 0) write.value = bytes.substr(bytes.size() / 2);
  write.stamp = bytes.size();
  FileRows rows;
  rows.emplace(write.key, tarmac::internal::make_file_row(write));
  require(read(tarmac::internal::write_document(rows)), "its own document is refused");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = tarmac::fuzz::as_text(data, size);
  static_cast<void>(read(text));
  static_cast<void>(read(with_checksum(text)));
  read_back(text);
  return 0;
}
