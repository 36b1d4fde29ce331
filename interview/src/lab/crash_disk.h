// A real folder whose content can be had as it would be after a crash.
#pragma once

#include <tarmac/durability/file_ops.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tarmac::interview {

/// Passes every call on to the system, and notes what each sync has made safe: of a file its
/// content at that moment, of the folder the names in it. One folder.
///
/// - Thread-safety: as FileOps; the copies are made while nobody writes.
class CrashDisk final : public FileOps {
 public:
  /// What a restart finds when the process was killed: all that was written.
  void copy_as_killed(const std::filesystem::path& folder, const std::filesystem::path& to) const;
  /// What it finds, at worst, when the power was cut: all that was synced, and nothing else.
  void copy_as_cut(const std::filesystem::path& to) const;
  [[nodiscard]] std::uint64_t syncs() const;

  int make_folder(const std::string& path) override { return system_.make_folder(path); }
  int open_folder(const std::string& path) override { return system_.open_folder(path); }
  int list(int folder, std::vector<std::string>& names) override {
    return system_.list(folder, names);
  }
  int open(int folder, const std::string& name, int flags) override;
  int close(int file) override;
  std::int64_t size(int file) override { return system_.size(file); }
  ssize_t read(int file, void* bytes, std::size_t count, std::int64_t offset) override {
    return system_.read(file, bytes, count, offset);
  }
  ssize_t write(int file, const iovec* parts, int count, std::int64_t offset) override {
    return system_.write(file, parts, count, offset);
  }
  int preallocate(int file, std::int64_t bytes) override {
    return system_.preallocate(file, bytes);
  }
  int truncate(int file, std::int64_t bytes) override { return system_.truncate(file, bytes); }
  int write_back(int file, std::int64_t offset, std::int64_t bytes) override {
    return system_.write_back(file, offset, bytes);
  }
  int sync(int file) override;
  int sync_folder(int folder) override;
  int rename(int folder, const std::string& from, const std::string& to) override;
  int remove(int folder, const std::string& name) override;
  int lock(int file, bool shared) override { return system_.lock(file, shared); }

 private:
  using Inode = std::uint64_t;

  FileOps& system_ = posix_file_ops();
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::map<int, Inode> open_;
  std::map<std::string, Inode> names_;
  std::map<std::string, Inode> safe_names_;
  std::map<Inode, std::string> safe_;
  Inode last_inode_ = 0;
  std::uint64_t syncs_ = 0;
};

}  // namespace tarmac::interview
