// Writes that a store would not take: a file of them, and how they get to a store after all.
#pragma once

#include <tarmac/core/backing_store.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace tarmac {

/// A write that was given up, and why.
struct DeadLetter {
  StoreWrite write;
  std::string reason;
};

/// What a dead-letter file holds.
struct DeadLetters {
  std::vector<DeadLetter> letters;
  /// Lines that are no letters, or whose checksum does not fit; as `line 3`.
  std::vector<std::string> damaged;
};

/// Adds `letters` to the file, which is made (mode 0600, with its folders) if need be, and returns
/// when they are on disk. Lines that are there stay as they are, a torn last one too.
///
/// - Form: one JSON object in each line: `key` and `value` in base64 (no `value`: a removal),
///   `stamp`, `expires_at` (if it expires), `reason`, and `check`, a checksum over all the others.
/// - Thread-safety: from any thread and process; they take turns by a lock on `<file>.lock`.
/// - Exceptions: StoreError. What was written by then is complete lines, and a torn one at most.
void append_dead_letters(const std::filesystem::path& file, std::span<const DeadLetter> letters);

/// Reads the file; empty if there is none. Throws StoreError if it cannot be read.
[[nodiscard]] DeadLetters read_dead_letters(const std::filesystem::path& file);

/// What replay_dead_letters() has done.
struct DeadLetterReport {
  /// Taken by the store, or passed over by it because something newer was there.
  std::uint64_t replayed = 0;
  /// Refused again, or damaged: they are still in the file.
  std::uint64_t left = 0;
  std::uint64_t damaged = 0;
  /// The last failure; empty if there was none.
  std::string error;
};

/// Writes every letter of the file to `store`, in their order and each by itself, and leaves in the
/// file what the store refused again and what is damaged; without such the file goes. Stamps are
/// kept, so nothing newer is overwritten, and a second replay does no harm. Caches may go on
/// adding letters, which wait meanwhile. Throws StoreError if the file cannot be read or replaced.
DeadLetterReport replay_dead_letters(const std::filesystem::path& file, BackingStore& store);

}  // namespace tarmac
