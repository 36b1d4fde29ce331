// The folder of one log, held by this process alone, and the manifest that says what is in it.
#pragma once

#include <tarmac/core/journal.h>
#include <tarmac/durability/file_ops.h>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "folder.h"
#include "manifest.h"

namespace tarmac::internal {

/// - Thread-safety: not synchronised.
/// - Exceptions: DurabilityError.
class LogFolder {
 public:
  /// Makes the folder if it is missing, and takes it.
  LogFolder(FileOps& ops, const std::filesystem::path& path);

  [[nodiscard]] const Folder& files() const noexcept { return folder_; }
  [[nodiscard]] FileOps& ops() const noexcept { return folder_.ops(); }
  [[nodiscard]] const Manifest& manifest() const noexcept { return manifest_; }
  [[nodiscard]] std::uint64_t take_number() noexcept { return manifest_.next_number++; }

  /// Reads the manifest, or makes that of a log without records. Refuses a folder that has files of
  /// a log and no manifest.
  void load();
  /// Makes `next` the one that counts. If that fails, the old one stays in force here.
  [[nodiscard]] Replaced store(Manifest next);
  /// From now on segments from `number` on stay out of the file.
  void hide_from(std::uint64_t number) noexcept { hidden_from_ = number; }
  /// Returns what was hidden, for hide_from().
  std::uint64_t hide_nothing() noexcept { return std::exchange(hidden_from_, kNothing); }
  [[nodiscard]] bool hides() const noexcept { return hidden_from_ != kNothing; }
  /// Removes files that the manifest does not name: a step was not finished.
  void sweep() const;
  /// Keeps `tail`, which recovery has left out.
  void keep_evidence(const std::string& name, std::string_view tail) const;

 private:
  static constexpr std::uint64_t kNothing = std::numeric_limits<std::uint64_t>::max();

  void take();
  [[nodiscard]] bool names_file(const std::string& name) const;

  Folder folder_;
  File lock_;
  Manifest manifest_;
  std::uint64_t hidden_from_ = kNothing;
};

/// Whether a file of this name belongs to a log.
[[nodiscard]] bool is_log_file(std::string_view name);

}  // namespace tarmac::internal
