// The yardstick for flushes to SQLite: a batch loop as one writes it by hand.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <span>
#include <string>
#include <utility>

namespace tarmac::bench {

/// A table of keys and values, as safe as the store `sqlite` keeps it (WAL, synchronous=FULL), with
/// no stamps, expiry or checksums. Throws std::runtime_error.
class SqliteLoop {
 public:
  using Rows = std::span<const std::pair<std::string, std::string>>;

  explicit SqliteLoop(const std::filesystem::path& path);
  ~SqliteLoop();
  SqliteLoop(const SqliteLoop&) = delete;
  SqliteLoop& operator=(const SqliteLoop&) = delete;

  /// In transactions of `batch` rows, and statements of `each`, as far as it goes.
  void write(Rows rows, std::size_t batch, std::size_t each = 1);
  [[nodiscard]] std::size_t size();

 private:
  [[nodiscard]] sqlite3_stmt* prepare(const std::string& sql);
  [[nodiscard]] sqlite3_stmt* prepare_upsert(std::size_t rows);
  void run(sqlite3_stmt* upsert, Rows rows);
  void check(int result);
  void execute(const char* sql);

  sqlite3* connection_ = nullptr;
};

}  // namespace tarmac::bench
