#include "sqlite_connection.h"

#include <tarmac/core/error.h>

#include <limits>

namespace tarmac::internal {
namespace {

[[noreturn]] void fail(sqlite3* connection, const std::string& path) {
  const int code = sqlite3_errcode(connection) & 0xff;
  std::string message = "store database " + path + ": " + sqlite3_errmsg(connection);
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
    message += "; another connection or process kept it locked for longer than busy_limit";
  } else if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
    message += "; the file is damaged or no database: bring back a copy, or move it away";
  }
  // A value that does not fit will not fit the next time.
  if (code == SQLITE_TOOBIG || code == SQLITE_CONSTRAINT || code == SQLITE_MISMATCH) {
    throw PermanentStoreError(message);
  }
  throw StoreError(message);
}

}  // namespace

void SqliteStatement::bind(int place, std::string_view bytes) const {
  // A null pointer would bind NULL, and a removal is not an empty value. SQLITE_STATIC: what is
  // bound stays until the statement has run.
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  if (sqlite3_bind_blob64(statement_.get(), place, data, bytes.size(), SQLITE_STATIC) !=
      SQLITE_OK) {
    fail(sqlite3_db_handle(statement_.get()), *path_);
  }
}

void SqliteStatement::bind(int place, std::int64_t number) const {
  if (sqlite3_bind_int64(statement_.get(), place, number) != SQLITE_OK) {
    fail(sqlite3_db_handle(statement_.get()), *path_);
  }
}

void SqliteStatement::bind_null(int place) const {
  if (sqlite3_bind_null(statement_.get(), place) != SQLITE_OK) {
    fail(sqlite3_db_handle(statement_.get()), *path_);
  }
}

bool SqliteStatement::step() const {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) {
    reset();
    return false;
  }
  try {
    fail(sqlite3_db_handle(statement_.get()), *path_);
  } catch (...) {
    reset();  // After the message was made: a reset may forget it.
    throw;
  }
}

void SqliteStatement::run() const {
  while (step()) continue;
}

void SqliteStatement::reset() const noexcept { sqlite3_reset(statement_.get()); }

std::string_view SqliteStatement::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), size};
}

std::int64_t SqliteStatement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

bool SqliteStatement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

SqliteConnection::SqliteConnection(const std::filesystem::path& path,
                                   std::chrono::milliseconds busy_limit)
    : path_(std::make_unique<const std::string>(path.string())) {
  // NOFOLLOW refuses a link in any part of the path, so the folder's own links are resolved first.
  std::error_code unknown;
  const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const auto folder = std::filesystem::canonical(parent, unknown);
  if (unknown) throw StoreError("store database " + *path_ + ": " + unknown.message());
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(
      (folder / path.filename()).c_str(), &raw,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE,
      nullptr);
  connection_.reset(raw);
  if (opened != SQLITE_OK) fail(raw, *path_);
  constexpr std::int64_t kLongest = std::numeric_limits<int>::max();
  sqlite3_busy_timeout(raw, static_cast<int>(std::min<std::int64_t>(busy_limit.count(), kLongest)));
  // What the file's maker wrote into its schema runs nothing here.
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
}

void SqliteConnection::execute(const char* sql) const {
  if (sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    fail(connection_.get(), *path_);
  }
}

SqliteStatement SqliteConnection::prepare(std::string_view sql) const {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &raw, nullptr) != SQLITE_OK) {
    fail(connection_.get(), *path_);
  }
  return {raw, path_.get()};
}

std::int64_t SqliteConnection::ask(std::string_view sql) const {
  const auto statement = prepare(sql);
  return statement.step() ? statement.number(0) : 0;
}

bool SqliteConnection::is_in_transaction() const noexcept {
  return sqlite3_get_autocommit(connection_.get()) == 0;
}

void SqliteConnection::roll_back() const noexcept {
  if (is_in_transaction()) {
    sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

}  // namespace tarmac::internal
