// Looks into a log or a snapshot file without changing it, and copies what is sound of a damaged
// one.
#pragma once

#include <tarmac/core/journal.h>
#include <tarmac/durability/file_ops.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tarmac {

/// One file, and what is in it.
struct InspectedFile {
  std::string name;
  /// "manifest", "image", "segment" or "snapshot".
  std::string kind;
  std::uint64_t bytes = 0;
  /// Changes of a segment, entries of an image; the sound ones.
  std::uint64_t records = 0;
  /// Of a segment; 0 where there is none.
  JournalPosition first = 0;
  JournalPosition last = 0;
  /// Behind the last sound record, and never promised: what a crash leaves.
  std::uint64_t torn_bytes = 0;
  /// What is wrong, with its place; empty: nothing.
  std::string problem;
};

struct Inspection {
  /// False: a snapshot file.
  bool is_log = false;
  /// Of the image or snapshot, if there is one that can be read.
  std::optional<ImageHeader> header;
  std::vector<InspectedFile> files;

  [[nodiscard]] bool is_sound() const noexcept;
};

/// Verifies every byte. Throws ConfigError if `path` is neither a log nor a file, or is in use.
[[nodiscard]] Inspection inspect(const std::filesystem::path& path,
                                 FileOps& files = posix_file_ops());

/// What was copied.
struct Salvage {
  Inspection found;
  std::uint64_t entries = 0;  ///< of the image
  std::uint64_t records = 0;  ///< of the log
};

/// Copies what is sound into `target`, which is empty or made: of a log the records up to the first
/// that is damaged, of a damaged image the blocks that are whole. `path` stays as it is. Throws as
/// inspect() does, ConfigError if there is something in `target`, and DurabilityError if it cannot
/// be written.
[[nodiscard]] Salvage salvage(const std::filesystem::path& path,
                              const std::filesystem::path& target,
                              FileOps& files = posix_file_ops());

}  // namespace tarmac
