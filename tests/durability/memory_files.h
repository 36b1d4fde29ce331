// A disk in memory that can fail, stop, and lose what was not synced.
#pragma once

#include <tarmac/durability/file_ops.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace tarmac {

/// One folder. What is written is in the page cache; sync() brings a file's content, sync_folder()
/// the names to the disk.
class MemoryFiles final : public FileOps {
 public:
  using Names = std::map<std::string, std::string>;

  // Faults. Calls that can fail are counted from 1; closing and looking at a size cannot.

  /// Call `call` fails with `reason`; `forever`: each from then on. A write first takes half.
  void fail_at(std::uint64_t call, int reason, bool forever);
  /// From call `call` on nothing happens any more, as if the process had been killed; if it is a
  /// write, half of it has.
  void die_at(std::uint64_t call);
  /// Of syncs alone.
  void fail_syncs(bool fails) { fail_syncs_ = fails; }
  /// No more bytes than these can be written in all; a number that is large mends it.
  void limit_bytes(std::uint64_t bytes) { room_ = bytes; }
  /// Called by each sync, before it does anything.
  void on_sync(std::function<void()> slot) { on_sync_ = std::move(slot); }
  /// The same of write_back(), which also fails here if `fails`.
  void on_write_back(std::function<void()> slot, bool fails = false) {
    on_write_back_ = std::move(slot);
    fail_write_back_ = fails;
  }
  /// Whether files can be written to as memory, which they can at first.
  void give_memory(bool gives) { gives_memory_ = gives; }
  /// How often a file was synced again after that had failed.
  [[nodiscard]] std::uint64_t syncs_after_failure() const { return syncs_after_failure_; }
  [[nodiscard]] std::uint64_t calls() const;
  [[nodiscard]] bool is_dead() const { return dead_; }

  /// The process is gone, and the page cache is not. Faults end.
  void restart();
  /// The machine is gone: each sector of 512 bytes and each name that was not synced may or may not
  /// have reached the disk, as `chance` has it; without chance none has.
  void power_cut(std::mt19937_64* chance);

  // Content.

  [[nodiscard]] Names content() const;
  /// All files, on the disk too.
  void set_content(const Names& files);

  // FileOps.
  int make_folder(const std::string& path) override;
  int open_folder(const std::string& path) override;
  int list(int folder, std::vector<std::string>& names) override;
  int open(int folder, const std::string& name, int flags) override;
  int close(int file) override;
  std::int64_t size(int file) override;
  ssize_t read(int file, void* bytes, std::size_t count, std::int64_t offset) override;
  ssize_t write(int file, const iovec* parts, int count, std::int64_t offset) override;
  int preallocate(int file, std::int64_t bytes) override;
  int truncate(int file, std::int64_t bytes) override;
  char* map(int file, std::size_t bytes) override;
  int make_ready(char* memory, std::size_t bytes) override;
  void unmap(char* memory, std::size_t bytes) override;
  int write_back(int file, std::int64_t offset, std::int64_t bytes) override;
  int sync(int file) override;
  int sync_folder(int folder) override;
  int rename(int folder, const std::string& from, const std::string& to) override;
  int remove(int folder, const std::string& name) override;
  int lock(int file, bool shared) override;

 private:
  struct Inode {
    std::string cached;
    std::string on_disk;
    bool failed_sync = false;
    int locked_by = -1;
  };
  using Folder = std::map<std::string, std::shared_ptr<Inode>>;

  /// Whether the call goes on; else errno is set.
  [[nodiscard]] bool begin_call();
  [[nodiscard]] std::shared_ptr<Inode> inode(int file) const;

  mutable std::mutex mutex_;
  Folder cached_;
  Folder on_disk_;
  std::map<int, std::shared_ptr<Inode>> open_;
  int next_ = 10;
  std::uint64_t calls_ = 0;
  std::uint64_t fail_at_ = 0;
  int reason_ = 0;
  bool forever_ = false;
  std::uint64_t die_at_ = 0;
  bool dead_ = false;
  bool half_ = false;  ///< of the call under way
  bool fail_syncs_ = false;
  std::function<void()> on_sync_;
  std::function<void()> on_write_back_;
  bool fail_write_back_ = false;
  bool gives_memory_ = true;
  /// What is mapped is there, whatever becomes of its name.
  std::map<char*, std::shared_ptr<Inode>> mapped_;
  std::uint64_t room_ = UINT64_MAX;
  std::uint64_t syncs_after_failure_ = 0;
};

}  // namespace tarmac
