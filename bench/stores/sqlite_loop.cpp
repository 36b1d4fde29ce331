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

sqlite3_stmt* SqliteLoop::prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  check(sqlite3_prepare_v2(connection_, sql.c_str(), -1, &statement, nullptr));
  return statement;
}

sqlite3_stmt* SqliteLoop::prepare_upsert(std::size_t rows) {
  std::string sql = "INSERT INTO pairs VALUES(?,?)";
  for (std::size_t row = 1; row < rows; ++row) sql += ",(?,?)";
  return prepare(sql + " ON CONFLICT(key) DO UPDATE SET value=excluded.value");
}

void SqliteLoop::run(sqlite3_stmt* upsert, Rows rows) {
  int place = 0;
  for (const auto& [key, value] : rows) {
    check(sqlite3_bind_blob64(upsert, ++place, key.data(), key.size(), SQLITE_STATIC));
    check(sqlite3_bind_blob64(upsert, ++place, value.data(), value.size(), SQLITE_STATIC));
  }
  check(sqlite3_step(upsert));
  check(sqlite3_reset(upsert));
}

void SqliteLoop::write(Rows rows, std::size_t batch, std::size_t each) {
  sqlite3_stmt* single = prepare_upsert(1);
  sqlite3_stmt* many = prepare_upsert(each);
  while (!rows.empty()) {
    auto some = rows.first(std::min(batch, rows.size()));
    rows = rows.subspan(some.size());
    execute("BEGIN IMMEDIATE");
    for (; some.size() >= each; some = some.subspan(each)) run(many, some.first(each));
    for (; !some.empty(); some = some.subspan(1)) run(single, some.first(1));
    execute("COMMIT");
  }
  check(sqlite3_finalize(many));
  check(sqlite3_finalize(single));
}

std::size_t SqliteLoop::size() {
  sqlite3_stmt* count = prepare("SELECT count(*) FROM pairs");
  check(sqlite3_step(count));
  const auto rows = static_cast<std::size_t>(sqlite3_column_int64(count, 0));
  check(sqlite3_finalize(count));
  return rows;
}

}  // namespace tarmac::bench
