#include "log_folder.h"

#include <fcntl.h>
#include <tarmac/core/error.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace tarmac::internal {
namespace {

constexpr std::string_view kEvidenceMark = ".torn-";
/// How many torn tails are kept.
constexpr std::size_t kEvidenceMost = 8;

}  // namespace

bool is_log_file(std::string_view name) {
  return (name.starts_with("wal-") && name.ends_with(".log")) ||
         (name.starts_with("snap-") && name.ends_with(".snap"));
}

LogFolder::LogFolder(FileOps& ops, const std::filesystem::path& path)
    : folder_(ops, path, /*make=*/true) {
  take();
}

void LogFolder::take() {
  lock_ = folder_.open(kLockName, O_RDWR | O_CREAT);
  if (ops().lock(lock_.get(), /*shared=*/false) != 0) {
    if (errno != EWOULDBLOCK) folder_.fail("lock it", kLockName);
    throw DurabilityError(folder_.path_of("") +
                          ": another cache uses this log, in this process or in another one; let "
                          "each have a folder of its own");
  }
  // For people who look; nobody depends on it.
  const auto owner = std::to_string(::getpid()) + "\n";
  if (ops().truncate(lock_.get(), 0) == 0) {
    static_cast<void>(folder_.write_at(lock_, owner, 0));
  }
}

void LogFolder::load() {
  const auto bytes = folder_.read(kManifestName);
  if (bytes) {
    std::string problem;
    auto manifest = decode_manifest(*bytes, problem);
    if (!manifest) {
      throw DurabilityError(folder_.path_of(kManifestName) + ": " + problem +
                            "; nothing was changed. Put the file back as it was, or recover what "
                            "is sound with `tarmac inspect --salvage`");
    }
    manifest_ = *std::move(manifest);
    return;
  }
  for (const auto& name : folder_.names()) {
    if (!is_log_file(name)) continue;
    throw DurabilityError(folder_.path_of(kManifestName) + ": it is missing, and " + name +
                          " is there; put it back, or choose an empty folder");
  }
  Manifest fresh;
  fresh.id = new_log_id();
  // Before the first segment, so that segments without a manifest always mean that it was lost.
  if (store(fresh) != Replaced::done) folder_.fail("make it", kManifestName);
}

Replaced LogFolder::store(Manifest next) {
  next.generation = manifest_.generation + 1;
  next.next_number = std::max(next.next_number, manifest_.next_number);
  auto shown = next;
  std::erase_if(shown.segments, [&](const auto& one) { return one.number >= hidden_from_; });
  const auto replaced = folder_.replace(kManifestName, encode_manifest(shown));
  if (replaced == Replaced::done) manifest_ = std::move(next);
  return replaced;
}

bool LogFolder::names_file(const std::string& name) const {
  if (manifest_.image && name == image_name(manifest_.image->number)) return true;
  return std::ranges::any_of(manifest_.segments,
                             [&](const auto& one) { return name == segment_name(one.number); });
}

void LogFolder::sweep() const {
  for (const auto& name : folder_.names()) {
    const bool is_left_over = (is_log_file(name) && !names_file(name)) ||
                              name == kManifestName + std::string(kTemporaryEnding) ||
                              (name.starts_with("snap-") && name.ends_with(kTemporaryEnding));
    if (is_left_over) folder_.remove(name);
  }
}

void LogFolder::keep_evidence(const std::string& name, std::string_view tail) const {
  std::vector<std::string> kept;
  for (auto& one : folder_.names()) {
    if (one.find(kEvidenceMark) != std::string::npos) kept.push_back(std::move(one));
  }
  std::ranges::sort(kept);
  for (std::size_t i = 0; i + kEvidenceMost <= kept.size(); ++i) folder_.remove(kept[i]);
  if (folder_.replace(name, tail) != Replaced::done) folder_.fail("keep the torn end", name);
}

}  // namespace tarmac::internal
