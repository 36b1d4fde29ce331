// The JSON document of the store `file`: one row of the store in each line.
#pragma once

#include <tarmac/core/backing_store.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tarmac::internal {

/// The newest write of a key. Never changed once made, so documents share their rows.
struct FileRow {
  /// Empty: the key was removed.
  std::optional<StoredValue> value;
  std::uint64_t stamp = 0;
  /// The row as its line has it, without comma.
  std::string line;
};

using FileRows = std::map<std::string, std::shared_ptr<const FileRow>, std::less<>>;

[[nodiscard]] std::shared_ptr<const FileRow> make_file_row(const StoreWrite& write);

/// The whole document.
[[nodiscard]] std::string write_document(const FileRows& rows);

/// The rows of `document`. Throws StoreError with `name`, line and byte of what is damaged, or
/// if the document is of a version that this code does not know.
[[nodiscard]] FileRows read_document(std::string_view document, const std::string& name);

}  // namespace tarmac::internal
