// The journal "log" and the snapshot format "tarmac", for programs that pass in the file system or
// the time; all others name them in an option or a file.
#pragma once

#include <tarmac/core/clock.h>
#include <tarmac/core/journal.h>
#include <tarmac/durability/file_ops.h>

#include <memory>

namespace tarmac {

/// Takes the folder of `options`, and makes it if it is missing. The log is read by recover().
/// `files` must outlive it. What the format is, and what each mode may lose: docs/durability.md.
///
/// - Exceptions: ConfigError for options that cannot be, DurabilityError if the folder cannot be
///   used or another cache uses it.
[[nodiscard]] std::unique_ptr<Journal> open_log(const DurabilityOptions& options,
                                                FileOps& files = posix_file_ops(),
                                                std::shared_ptr<Clock> clock = system_clock());

/// `files` must outlive it, and what it makes.
[[nodiscard]] std::unique_ptr<SnapshotFormat> make_snapshot_format(
    FileOps& files = posix_file_ops());

}  // namespace tarmac
