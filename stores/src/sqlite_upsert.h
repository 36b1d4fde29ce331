// How rows get into the table of the store `sqlite`: many with one statement.
#pragma once

#include <tarmac/core/backing_store.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sqlite_connection.h"
#include "stored_row.h"

namespace tarmac::internal {

/// What is bound for one write. Views of it.
struct SqliteRow {
  explicit SqliteRow(const RowView& seen) : view(seen), checksum(checksum_of(seen)) {}
  RowView view;
  std::uint64_t checksum;
};

/// Writes which SQLite will never take, and what it says of the last of them.
struct SqliteRefusals {
  std::vector<std::string> keys;
  std::string reason;
};

/// The statements that write rows, of which each passes over what has an older stamp than the
/// table.
///
/// - Cost: a statement looks for its place in the table once for all of its rows where their keys
///   ascend, and the less of a row's time it is, the more rows it has. SQLite keeps the pages in
///   memory that a statement of several rows changes, in case it fails midway, so only small rows
///   share one.
/// - Thread-safety: not synchronised.
/// - Exceptions: StoreError; nothing is to be committed then.
class SqliteUpsert {
 public:
  SqliteUpsert() = default;
  explicit SqliteUpsert(const SqliteConnection& connection);

  /// Within a transaction. Tries all, so that `refusals` names each that is bad.
  void write(std::span<const SqliteRow> rows, SqliteRefusals& refusals) const;
  /// Throws PermanentStoreError if it is bad.
  void write_one(const SqliteRow& row) const { write_together(single_, {&row, 1}); }

 private:
  static void write_together(const SqliteStatement& statement, std::span<const SqliteRow> rows);
  void write_small(std::span<const SqliteRow> rows, SqliteRefusals& refusals) const;
  void try_each(std::span<const SqliteRow> rows, SqliteRefusals& refusals) const;

  const SqliteConnection* connection_ = nullptr;
  SqliteStatement many_;
  SqliteStatement some_;
  SqliteStatement single_;
};

}  // namespace tarmac::internal
