// A store in an SQLite database: durable, for more than memory holds, shared between processes.
#pragma once

#include <tarmac/core/backing_store.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>

namespace tarmac {

struct SqliteStoreOptions {
  /// The database. Folders that are missing are made. Beside it stand `<path>-wal` and
  /// `<path>-shm`.
  std::filesystem::path path;
  /// How long a write waits for a file that another process has locked, before it throws.
  std::chrono::milliseconds busy_limit{5'000};
  /// Removals that are remembered at least, those with the largest stamps: an older write of such a
  /// key cannot bring it back.
  std::uint64_t removals_max = 65'536;
};

/// Opens the store named `sqlite`.
///
/// - Choose it for: values that must survive, and more of them than memory holds.
/// - Avoid it for: single writes at a high rate (each waits for the disk; use write-back), and
///   network file systems, on which its locks are not to be trusted.
/// - Cost: a batch is one transaction and one sync; small values share statements. A look-up
///   searches an index.
/// - Durability: WAL mode with synchronous=FULL. What write() returned from survives a power cut.
/// - Damage: each row has a checksum; a row that does not fit its own is refused with its key. A
///   database of another program or of a later version is refused, and so is a link in its place.
/// - Sharing: any number of processes and stores. A write waits for another's, for `busy_limit`.
/// - Images: image() opens a connection that goes on seeing this moment, at the cost of an empty
///   transaction; while one lives, `<path>-wal` keeps what is written since. put_back() copies
///   every row, in one transaction.
/// - Expiry: load() returns nothing that has expired. The row stays until it is written again or
///   removed; scan() and size() include it.
/// - Thread-safety: writers take turns, readers do too, and neither waits for the other. scan() has
///   a connection of its own and shows one moment; its visitor may call the store.
/// - Exceptions: ConfigError for an empty path, otherwise StoreError. A batch that throws is not
///   applied. Stamps go up to 2^63 - 1.
[[nodiscard]] std::shared_ptr<BackingStore> make_sqlite_store(const SqliteStoreOptions& options);

namespace internal {
/// The same for a factory of store_registry(): opens the database at its first use.
[[nodiscard]] std::unique_ptr<BackingStore> new_sqlite_store(const Parameters& parameters);
}  // namespace internal

}  // namespace tarmac
