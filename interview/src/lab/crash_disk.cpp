#include "lab/crash_disk.h"

#include <algorithm>
#include <fstream>

namespace tarmac::interview {
namespace {

std::string content_of(FileOps& files, int file) {
  std::string content(static_cast<std::size_t>(std::max<std::int64_t>(files.size(file), 0)), '\0');
  std::size_t read = 0;
  while (read < content.size()) {
    const auto got = files.read(file, content.data() + read, content.size() - read,
                                static_cast<std::int64_t>(read));
    if (got <= 0) break;
    read += static_cast<std::size_t>(got);
  }
  content.resize(read);
  return content;
}

}  // namespace

void CrashDisk::copy_as_killed(const std::filesystem::path& folder,
                               const std::filesystem::path& to) const {
  std::filesystem::copy(folder, to, std::filesystem::copy_options::recursive);
}

void CrashDisk::copy_as_cut(const std::filesystem::path& to) const {
  std::filesystem::create_directory(to);
  const std::lock_guard lock(mutex_);
  for (const auto& [name, inode] : safe_names_) {
    std::ofstream file(to / name, std::ios::binary);
    const auto found = safe_.find(inode);
    if (found != safe_.end()) file << found->second;
  }
}

std::uint64_t CrashDisk::syncs() const {
  const std::lock_guard lock(mutex_);
  return syncs_;
}

int CrashDisk::open(int folder, const std::string& name, int flags) {
  const int file = system_.open(folder, name, flags);
  if (file < 0) return file;
  const std::lock_guard lock(mutex_);
  auto& inode = names_[name];
  if (inode == 0) inode = ++last_inode_;
  open_[file] = inode;
  return file;
}

int CrashDisk::close(int file) {
  {
    const std::lock_guard lock(mutex_);
    open_.erase(file);
  }
  return system_.close(file);
}

int CrashDisk::sync(int file) {
  const int result = system_.sync(file);
  if (result != 0) return result;
  auto content = content_of(system_, file);
  const std::lock_guard lock(mutex_);
  ++syncs_;
  const auto found = open_.find(file);
  if (found != open_.end()) safe_[found->second] = std::move(content);
  return result;
}

int CrashDisk::sync_folder(int folder) {
  const int result = system_.sync_folder(folder);
  if (result == 0) {
    const std::lock_guard lock(mutex_);
    safe_names_ = names_;
  }
  return result;
}

int CrashDisk::rename(int folder, const std::string& from, const std::string& to) {
  const int result = system_.rename(folder, from, to);
  if (result == 0) {
    const std::lock_guard lock(mutex_);
    names_[to] = names_[from];
    names_.erase(from);
  }
  return result;
}

int CrashDisk::remove(int folder, const std::string& name) {
  const int result = system_.remove(folder, name);
  if (result == 0) {
    const std::lock_guard lock(mutex_);
    names_.erase(name);
  }
  return result;
}

}  // namespace tarmac::interview
