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
  explicit SqliteLoop(const std::filesystem::path& path);
  ~SqliteLoop();
  SqliteLoop(const SqliteLoop&) = delete;
  SqliteLoop& operator=(const SqliteLoop&) = delete;

  /// In transactions of `batch` rows.
  void write(std::span<const std::pair<std::string, std::string>> rows, std::size_t batch);
  [[nodiscard]] std::size_t size();

 private:
  void check(int result);
  void execute(const char* sql);

  sqlite3* connection_ = nullptr;
};

}  // namespace tarmac::bench
