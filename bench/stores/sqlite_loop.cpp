#include "stores/sqlite_loop.h"

#include <algorithm>
#include <stdexcept>

namespace tarmac::bench {

SqliteLoop::SqliteLoop(const std::filesystem::path& path) {
  check(sqlite3_open(path.c_str(), &connection_));
  execute("PRAGMA journal_mode=WAL");
  execute("PRAGMA synchronous=FULL");
  execute("CREATE TABLE pairs(key BLOB NOT NULL PRIMARY KEY, value BLOB)");
}

SqliteLoop::~SqliteLoop() { sqlite3_close(connection_); }

void SqliteLoop::check(int result) {
  if (result != SQLITE_OK && result != SQLITE_DONE && result != SQLITE_ROW) {
    throw std::runtime_error(std::string("the loop: ") + sqlite3_errmsg(connection_));
  }
}

void SqliteLoop::execute(const char* sql) {
  check(sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr));
}

void SqliteLoop::write(std::span<const std::pair<std::string, std::string>> rows,
                       std::size_t batch) {
  sqlite3_stmt* upsert = nullptr;
  check(sqlite3_prepare_v2(connection_,
                           "INSERT INTO pairs VALUES(?1,?2) ON CONFLICT(key) DO UPDATE SET "
                           "value=excluded.value",
                           -1, &upsert, nullptr));
  while (!rows.empty()) {
    const auto some = rows.first(std::min(batch, rows.size()));
    execute("BEGIN IMMEDIATE");
    for (const auto& [key, value] : some) {
      check(sqlite3_bind_blob64(upsert, 1, key.data(), key.size(), SQLITE_STATIC));
      check(sqlite3_bind_blob64(upsert, 2, value.data(), value.size(), SQLITE_STATIC));
      check(sqlite3_step(upsert));
      check(sqlite3_reset(upsert));
    }
    execute("COMMIT");
    rows = rows.subspan(some.size());
  }
  check(sqlite3_finalize(upsert));
}

std::size_t SqliteLoop::size() {
  sqlite3_stmt* count = nullptr;
  check(sqlite3_prepare_v2(connection_, "SELECT count(*) FROM pairs", -1, &count, nullptr));
  check(sqlite3_step(count));
  const auto rows = static_cast<std::size_t>(sqlite3_column_int64(count, 0));
  check(sqlite3_finalize(count));
  return rows;
}

}  // namespace tarmac::bench
