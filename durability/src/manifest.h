// The file that names all others of a log: which image counts, and which segments follow it.
#pragma once

#include <tarmac/core/journal.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frame.h"

namespace tarmac::internal {

struct ManifestSegment {
  std::uint64_t number = 0;
  JournalPosition first = 0;
  /// Nothing more comes into it: it ends, for certain, after `bytes` with the record `last`.
  bool sealed = false;
  JournalPosition last = 0;
  std::uint64_t bytes = 0;
};

struct ManifestImage {
  /// Of its file; no segment and no other image of the log has it.
  std::uint64_t number = 0;
  /// Shows what all records up to this one have made, and maybe later ones.
  JournalPosition position = 0;
  /// The last record that it may show something of.
  JournalPosition reach = 0;
  std::uint64_t bytes = 0;
  /// Of its footer.
  std::uint32_t checksum = 0;
};

struct Manifest {
  LogId id{};
  /// One more with each that was written.
  std::uint64_t generation = 0;
  /// The number of the next file.
  std::uint64_t next_number = 1;
  std::optional<ManifestImage> image;
  /// Oldest first; only the last may be open.
  std::vector<ManifestSegment> segments;
};

[[nodiscard]] std::string encode_manifest(const Manifest& manifest);
/// Fills `problem` and returns nullopt unless `bytes` are a manifest, whole and consistent.
[[nodiscard]] std::optional<Manifest> decode_manifest(std::string_view bytes, std::string& problem);

inline const std::string kManifestName = "MANIFEST";
inline const std::string kLockName = "LOCK";
[[nodiscard]] std::string segment_name(std::uint64_t number);
[[nodiscard]] std::string image_name(std::uint64_t number);

}  // namespace tarmac::internal
