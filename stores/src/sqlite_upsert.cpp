#include "sqlite_upsert.h"

#include <tarmac/core/error.h>

#include <algorithm>
#include <string_view>

namespace tarmac::internal {
namespace {

// 64 rows of 5 values are fewer than the 999 that a statement may have in every SQLite.
constexpr std::size_t kRowsOfMany = 64;
constexpr std::size_t kRowsOfSome = 8;
constexpr int kColumns = 5;
// Nor is a removal small: what it takes the place of may be large.
constexpr std::size_t kSmallMax = 4'096;

std::string upsert_of(std::size_t rows) {
  std::string sql = "INSERT INTO entries VALUES(?,?,?,?,?)";
  for (std::size_t row = 1; row < rows; ++row) sql += ",(?,?,?,?,?)";
  return sql +
         " ON CONFLICT(key) DO UPDATE SET value=excluded.value, stamp=excluded.stamp,"
         " expires_at=excluded.expires_at, checksum=excluded.checksum"
         " WHERE excluded.stamp>=stamp";
}

bool is_small(const SqliteRow& row) noexcept {
  return row.view.value && row.view.key.size() + row.view.value->size() <= kSmallMax;
}

void bind_row(const SqliteStatement& statement, int place, const SqliteRow& row) {
  const auto& view = row.view;
  statement.bind(place, view.key);
  view.value ? statement.bind(place + 1, *view.value) : statement.bind_null(place + 1);
  statement.bind(place + 2, static_cast<std::int64_t>(view.stamp));
  view.expires_at ? statement.bind(place + 3, *view.expires_at) : statement.bind_null(place + 3);
  statement.bind(place + 4, static_cast<std::int64_t>(row.checksum));
}

}  // namespace

SqliteUpsert::SqliteUpsert(const SqliteConnection& connection)
    : connection_(&connection),
      many_(connection.prepare(upsert_of(kRowsOfMany))),
      some_(connection.prepare(upsert_of(kRowsOfSome))),
      single_(connection.prepare(upsert_of(1))) {}

void SqliteUpsert::write(std::span<const SqliteRow> rows, SqliteRefusals& refusals) const {
  while (!rows.empty()) {
    const auto large = std::ranges::find_if_not(rows, is_small);
    const auto small = static_cast<std::size_t>(large - rows.begin());
    write_small(rows.first(small), refusals);
    rows = rows.subspan(small);
    if (rows.empty()) break;
    try_each(rows.first(1), refusals);
    rows = rows.subspan(1);
  }
}

void SqliteUpsert::write_small(std::span<const SqliteRow> rows, SqliteRefusals& refusals) const {
  while (rows.size() >= kRowsOfSome) {
    const bool many = rows.size() >= kRowsOfMany;
    const auto together = rows.first(many ? kRowsOfMany : kRowsOfSome);
    try {
      write_together(many ? many_ : some_, together);
    } catch (const PermanentStoreError&) {
      if (!connection_->is_in_transaction()) throw;
      try_each(together, refusals);  // It does not say which.
    }
    rows = rows.subspan(together.size());
  }
  try_each(rows, refusals);
}

void SqliteUpsert::try_each(std::span<const SqliteRow> rows, SqliteRefusals& refusals) const {
  for (const auto& row : rows) {
    try {
      write_one(row);
    } catch (const PermanentStoreError& error) {
      // Without one the others would be written for good, one by one.
      if (!connection_->is_in_transaction()) throw;
      refusals.keys.emplace_back(row.view.key);
      refusals.reason = error.what();
    }
  }
}

void SqliteUpsert::write_together(const SqliteStatement& statement,
                                  std::span<const SqliteRow> rows) {
  int place = 1;
  for (const auto& row : rows) {
    bind_row(statement, place, row);
    place += kColumns;
  }
  statement.run();
}

}  // namespace tarmac::internal
