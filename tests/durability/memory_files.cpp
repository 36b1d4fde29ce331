#include "memory_files.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "failing_memory.h"

namespace tarmac {
namespace {

constexpr int kFolder = 3;
constexpr std::size_t kSector = 512;
constexpr std::size_t kBehindMapped = std::size_t{1} << 20U;

struct Lock {
  explicit Lock(std::mutex& mutex) : guard(mutex) {}
  FailingMemory::Pause pause;  // The disk is not what is short of memory.
  std::lock_guard<std::mutex> guard;
};

int refuse(int reason) {
  errno = reason;
  return -1;
}

/// What the disk has of a file after a power cut.
std::string torn(const std::string& on_disk, const std::string& cached, std::mt19937_64& chance) {
  std::string result = on_disk;
  if (chance() % 2 == 0) result.resize(std::max(result.size(), cached.size()));
  for (std::size_t at = 0; at < std::min(result.size(), cached.size()); at += kSector) {
    const auto count = std::min({kSector, cached.size() - at, result.size() - at});
    if (chance() % 2 == 0) result.replace(at, count, cached, at, count);
  }
  return result;
}

}  // namespace

void MemoryFiles::fail_at(std::uint64_t call, int reason, bool forever) {
  const Lock lock(mutex_);
  calls_ = 0;
  fail_at_ = call;
  reason_ = reason;
  forever_ = forever;
}

void MemoryFiles::die_at(std::uint64_t call) {
  const Lock lock(mutex_);
  calls_ = 0;
  die_at_ = call;
}

std::uint64_t MemoryFiles::calls() const {
  const Lock lock(mutex_);
  return calls_;
}

void MemoryFiles::restart() {
  const Lock lock(mutex_);
  fail_at_ = 0;
  die_at_ = 0;
  dead_ = false;
  for (auto& [name, file] : cached_) file->locked_by = -1;
  open_.clear();
}

void MemoryFiles::power_cut(std::mt19937_64* chance) {
  restart();
  const Lock lock(mutex_);
  if (chance != nullptr) {
    std::set<std::string> names;
    for (const auto& [name, file] : cached_) names.insert(name);
    for (const auto& [name, file] : on_disk_) names.insert(name);
    for (const auto& name : names) {
      const auto now = cached_.find(name);
      if ((*chance)() % 2 == 0) continue;
      if (now == cached_.end()) {
        on_disk_.erase(name);
      } else {
        on_disk_[name] = now->second;
      }
    }
  }
  cached_ = on_disk_;
  for (auto& [name, file] : cached_) {
    if (chance != nullptr) file->on_disk = torn(file->on_disk, file->cached, *chance);
    file->cached = file->on_disk;
    file->failed_sync = false;
  }
}

MemoryFiles::Names MemoryFiles::content() const {
  const Lock lock(mutex_);
  Names names;
  for (const auto& [name, file] : cached_) names[name] = file->cached;
  return names;
}

void MemoryFiles::set_content(const Names& files) {
  const Lock lock(mutex_);
  cached_.clear();
  for (const auto& [name, bytes] : files) {
    cached_[name] = std::make_shared<Inode>(Inode{bytes, bytes, false, -1});
  }
  on_disk_ = cached_;
}

bool MemoryFiles::begin_call() {
  ++calls_;
  half_ = false;
  if (dead_) return refuse(EIO) == 0;
  if (die_at_ != 0 && calls_ >= die_at_) {
    dead_ = true;
    half_ = true;
    return refuse(EIO) == 0;
  }
  if (fail_at_ != 0 && (calls_ == fail_at_ || (forever_ && calls_ > fail_at_))) {
    half_ = true;
    return refuse(reason_) == 0;
  }
  return true;
}

std::shared_ptr<MemoryFiles::Inode> MemoryFiles::inode(int file) const {
  const auto found = open_.find(file);
  return found == open_.end() ? nullptr : found->second;
}

int MemoryFiles::make_folder(const std::string&) { return refuse(EEXIST); }

int MemoryFiles::open_folder(const std::string&) {
  const Lock lock(mutex_);
  return begin_call() ? kFolder : -1;
}

int MemoryFiles::list(int, std::vector<std::string>& names) {
  const Lock lock(mutex_);
  if (!begin_call()) return -1;
  for (const auto& [name, file] : cached_) names.push_back(name);
  return 0;
}

int MemoryFiles::open(int, const std::string& name, int flags) {
  const Lock lock(mutex_);
  if (!begin_call()) return -1;
  const auto found = cached_.find(name);
  if (found == cached_.end() && (flags & O_CREAT) == 0) return refuse(ENOENT);
  if (found != cached_.end() && (flags & O_EXCL) != 0) return refuse(EEXIST);
  if (found == cached_.end()) cached_[name] = std::make_shared<Inode>();
  open_[++next_] = cached_[name];
  return next_;
}

int MemoryFiles::close(int file) {
  const Lock lock(mutex_);
  const auto closed = inode(file);
  if (closed && closed->locked_by == file) closed->locked_by = -1;
  open_.erase(file);
  return 0;
}

std::int64_t MemoryFiles::size(int file) {
  const Lock lock(mutex_);
  const auto about = inode(file);
  if (!about) return refuse(EBADF);
  return static_cast<std::int64_t>(about->cached.size());
}

ssize_t MemoryFiles::read(int file, void* bytes, std::size_t count, std::int64_t offset) {
  const Lock lock(mutex_);
  if (!begin_call()) return -1;
  const auto from = inode(file);
  if (!from) return refuse(EBADF);
  const auto at = static_cast<std::size_t>(offset);
  if (at >= from->cached.size()) return 0;
  return static_cast<ssize_t>(from->cached.copy(static_cast<char*>(bytes), count, at));
}

ssize_t MemoryFiles::write(int file, const iovec* parts, int count, std::int64_t offset) {
  const Lock lock(mutex_);
  const bool goes_on = begin_call();
  const auto to = inode(file);
  if (!to) return refuse(EBADF);
  if (!goes_on && !half_) return -1;
  std::string bytes;
  for (int i = 0; i < count; ++i) {
    bytes.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  }
  if (!goes_on) bytes.resize(bytes.size() / 2);
  if (bytes.size() > room_) return refuse(ENOSPC);
  room_ -= bytes.size();
  const auto at = static_cast<std::size_t>(offset);
  to->cached.resize(std::max(to->cached.size(), at + bytes.size()));
  to->cached.replace(at, bytes.size(), bytes);
  // Of a write that fails, the caller hears nothing of the half that is there.
  return goes_on ? static_cast<ssize_t>(bytes.size()) : refuse(dead_ ? EIO : reason_);
}

int MemoryFiles::preallocate(int file, std::int64_t bytes) {
  const Lock lock(mutex_);
  if (!begin_call()) return -1;
  const auto to = inode(file);
  if (!to) return refuse(EBADF);
  to->cached.resize(std::max(to->cached.size(), static_cast<std::size_t>(bytes)));
  return 0;
}

int MemoryFiles::truncate(int file, std::int64_t bytes) {
  const Lock lock(mutex_);
  if (!begin_call()) return -1;
  const auto to = inode(file);
  if (!to) return refuse(EBADF);
  to->cached.resize(static_cast<std::size_t>(bytes));
  return 0;
}

char* MemoryFiles::map(int file, std::size_t bytes) {
  const Lock lock(mutex_);
  if (!gives_memory_ || !begin_call()) return nullptr;
  const auto to = inode(file);
  if (!to || to->cached.size() < bytes) return nullptr;
  // What is written behind it must not move it.
  to->cached.reserve(bytes + kBehindMapped);
  mapped_[to->cached.data()] = to;
  return to->cached.data();
}

int MemoryFiles::make_ready(char*, std::size_t) {
  const Lock lock(mutex_);
  return begin_call() ? 0 : -1;
}

void MemoryFiles::unmap(char* memory, std::size_t) {
  const Lock lock(mutex_);
  mapped_.erase(memory);
}

// Nothing is safe by it. If it fails, the system has told that, and a sync would not any more.
int MemoryFiles::write_back(int file, std::int64_t, std::int64_t) {
  if (on_write_back_) on_write_back_();
  const Lock lock(mutex_);
  const bool goes_on = begin_call();
  const auto about = inode(file);
  if (!about) return refuse(EBADF);
  if (dead_) return refuse(EIO);
  if (goes_on && !fail_write_back_) return 0;
  about->failed_sync = true;
  return refuse(goes_on ? EIO : reason_);
}

int MemoryFiles::sync(int file) {
  if (on_sync_) on_sync_();
  const Lock lock(mutex_);
  const bool goes_on = begin_call();
  const auto about = inode(file);
  if (!about) return refuse(EBADF);
  if (dead_) return refuse(EIO);
  if (about->failed_sync) ++syncs_after_failure_;
  if (goes_on && !fail_syncs_) {
    about->on_disk = about->cached;
    return 0;
  }
  about->failed_sync = true;
  return refuse(goes_on ? EIO : reason_);
}

int MemoryFiles::sync_folder(int) {
  const Lock lock(mutex_);
  if (!begin_call()) return -1;
  on_disk_ = cached_;
  return 0;
}

int MemoryFiles::rename(int, const std::string& from, const std::string& to) {
  const Lock lock(mutex_);
  if (!begin_call()) return -1;
  const auto moved = cached_.find(from);
  if (moved == cached_.end()) return refuse(ENOENT);
  cached_[to] = moved->second;
  cached_.erase(from);
  return 0;
}

int MemoryFiles::remove(int, const std::string& name) {
  const Lock lock(mutex_);
  if (!begin_call()) return -1;
  return cached_.erase(name) == 1 ? 0 : refuse(ENOENT);
}

int MemoryFiles::lock(int file, bool) {
  const Lock lock(mutex_);
  if (!begin_call()) return -1;
  const auto about = inode(file);
  if (!about) return refuse(EBADF);
  if (about->locked_by >= 0) return refuse(EWOULDBLOCK);
  about->locked_by = file;
  return 0;
}

}  // namespace tarmac
