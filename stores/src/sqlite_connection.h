// SQLite as the store uses it: connections and statements that clean up after themselves.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tarmac::internal {

/// One prepared statement. What it binds and returns by view lives until the next step() or
/// reset().
class SqliteStatement {
 public:
  SqliteStatement() = default;

  void bind(int place, std::string_view bytes) const;
  void bind(int place, std::int64_t number) const;
  void bind_null(int place) const;
  /// True: there is a row. After false it can be bound and run again.
  [[nodiscard]] bool step() const;
  /// Runs it to its end.
  void run() const;
  void reset() const noexcept;

  [[nodiscard]] std::string_view bytes(int column) const;
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  friend class SqliteConnection;
  SqliteStatement(sqlite3_stmt* statement, const std::string* path)
      : statement_(statement), path_(path) {}

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  const std::string* path_ = nullptr;
};

/// One connection to one file.
///
/// - Thread-safety: not synchronised.
/// - Exceptions: StoreError with the path, what SQLite says, and for a file that others keep locked
///   that this was so.
class SqliteConnection {
 public:
  /// Waits at most `busy_limit` whenever another connection or process has the file locked. Refuses
  /// a link in the file's place. The file exists.
  SqliteConnection(const std::filesystem::path& path, std::chrono::milliseconds busy_limit);

  void execute(const char* sql) const;
  [[nodiscard]] SqliteStatement prepare(std::string_view sql) const;
  /// The first column of the first row.
  [[nodiscard]] std::int64_t ask(std::string_view sql) const;
  /// Some failures end the transaction they happen in.
  [[nodiscard]] bool is_in_transaction() const noexcept;
  /// After a failure: ends a transaction that is still open. Never throws.
  void roll_back() const noexcept;

 private:
  struct Close {
    void operator()(sqlite3* connection) const noexcept { sqlite3_close_v2(connection); }
  };
  /// Apart, so that statements may refer to it while the connection is moved.
  std::unique_ptr<const std::string> path_;
  std::unique_ptr<sqlite3, Close> connection_;
};

/// A transaction that is rolled back unless commit() is called.
class SqliteTransaction {
 public:
  /// `begin` is how it begins: "BEGIN IMMEDIATE" to write, "BEGIN" to read.
  SqliteTransaction(const SqliteConnection& connection, const char* begin)
      : connection_(&connection) {
    connection.execute(begin);
  }
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  ~SqliteTransaction() {
    if (connection_ != nullptr) connection_->roll_back();
  }
  void commit() {
    connection_->execute("COMMIT");
    connection_ = nullptr;
  }

 private:
  const SqliteConnection* connection_;
};

}  // namespace tarmac::internal
