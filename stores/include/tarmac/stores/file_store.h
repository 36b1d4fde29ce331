// A store in one JSON file, which is replaced as a whole: for little data that people want to read.
#pragma once

#include <tarmac/core/backing_store.h>

#include <cstdint>
#include <filesystem>
#include <memory>

namespace tarmac {

struct FileStoreOptions {
  /// The document. Folders that are missing are made. Beside it stand `<path>.lock`, and for the
  /// time of a write `<path>.tmp`.
  std::filesystem::path path;
  /// The largest document that is read or written.
  std::uint64_t bytes_max = std::uint64_t{1} << 30U;
  /// Removals that are remembered, those with the largest stamps: an older write of such a key
  /// cannot bring it back.
  std::uint64_t removals_max = 65'536;
};

/// Opens the store named `file`, with what the document at `options.path` has.
///
/// - Choose it for: up to some thousand values, rare writes, files that are looked at or copied.
/// - Avoid it for: frequent writes without write-back, and anything large. Use `sqlite`.
/// - Cost: a batch writes and syncs the whole document; its size in memory too. A look-up is one in
///   a map. image() and put_back() share what is in memory; put_back() writes the document.
/// - Durability: write() returns when the new document is on disk, in full. After a crash at any
///   moment the document is the old or the new one.
/// - Damage: the document has a checksum, and so has each row. A damaged one is refused with its
///   line, and is not written to. So is a link in its place.
/// - One user: a second store on the same file, in this process or another, is refused.
/// - Expiry: load() returns nothing that has expired. The row stays until it is written again or
///   removed; scan() and size() include it.
/// - Thread-safety: one lock. A reader waits for no disk, a writer for those before it.
/// - Exceptions: ConfigError for an empty path, otherwise StoreError. A batch that throws is not
///   applied, in memory or on disk; the one exception is a folder that cannot be synced after the
///   document was replaced: the batch then is applied, and may not survive a power cut.
[[nodiscard]] std::shared_ptr<BackingStore> make_file_store(const FileStoreOptions& options);

namespace internal {
/// The same for a factory of store_registry(): opens the file at its first use.
[[nodiscard]] std::unique_ptr<BackingStore> new_file_store(const Parameters& parameters);
}  // namespace internal

}  // namespace tarmac
