#include "segment_writer.h"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "segment.h"

namespace tarmac::internal {
namespace {

constexpr std::size_t kSpareMost = 1U << 20U;
/// The buffer of groups that are kept together, and what counts as a short one.
constexpr std::size_t kSharedBytes = SegmentWriter::kStoredMost;
constexpr std::size_t kShortGroup = 8U << 10U;
/// So far ahead of the groups zeros are written, but not of groups that are long themselves.
constexpr std::uint64_t kAhead = 64U << 10U;
constexpr std::uint64_t kLongGroup = kAhead / 4;
constexpr std::array<char, kAhead> kZeros{};
/// Short enough to need none.
constexpr const char* kNoMemory = "out of memory";

}  // namespace

bool SegmentWriter::failed(std::string_view what) noexcept {
  try {
    problem_ = log_.files().path_of(segment_name(number_)) + ": " + std::string(what) + ": " +
               system_reason();
  } catch (const std::bad_alloc&) {
    problem_ = kNoMemory;
  }
  return false;
}

bool SegmentWriter::start(JournalPosition written, Group again, std::uint64_t open_end) {
  written_ = written;
  durable_ = written;
  offset_ = open_end;
  if (!again.empty()) {
    again.offset = open_end;
    kept_.push_back(std::move(again));
  }
  return begin({written, open_end});
}

bool SegmentWriter::is_full(std::uint64_t bytes) const noexcept {
  return has_records() && offset_ + bytes > segment_bytes_;
}

bool SegmentWriter::has_records() const noexcept { return offset_ > kSegmentHeaderBytes; }

// A block that was reserved and never written costs the file system a change of its own records
// when it is synced. Written with many others it costs that once for all of them.
void SegmentWriter::write_ahead(std::uint64_t bytes) noexcept {
  const auto end = offset_ + bytes;
  if (end <= ahead_ || bytes > kLongGroup) return;
  const auto to = std::min(segment_bytes_, (end + kAhead) / kAhead * kAhead);
  ahead_ = to;  // Also if that fails: the group is written without it, and nothing was lost.
  if (end >= to) return;
  static_cast<void>(log_.files().write_at(file_, {kZeros.data(), to - end}, end));
}

bool SegmentWriter::write(Group& group) {
  if (group.segment != number_) {
    seal_frames_again(group.bytes, checksum_seed(log_.manifest().id, number_));
    group.segment = number_;
  }
  const auto count = group.bytes.size();
  keep(group);
  const auto& kept = kept_.back();
  const auto bytes = std::string_view(kept.bytes).substr(kept.bytes.size() - count);
  write_ahead(count);
  if (!memory_.store(bytes, offset_) && !log_.files().write_at(file_, bytes, offset_)) {
    return failed("write it");
  }
  offset_ += count;
  written_ = kept.last;
  return true;
}

void SegmentWriter::store(std::string_view frame, JournalPosition position) noexcept {
  auto& kept = kept_.back();
  kept.bytes += frame;
  kept.last = position;
  written_ = position;
  static_cast<void>(memory_.store(frame, offset_));  // It is ready, so this asks for nothing.
  offset_ += frame.size();
}

bool SegmentWriter::joins(std::uint64_t segment, std::uint64_t bytes) const noexcept {
  if (kept_.empty()) return false;
  const auto& last = kept_.back();
  return last.segment == segment && last.offset + last.bytes.size() == offset_ &&
         last.bytes.size() + bytes <= kSharedBytes && last.bytes.capacity() >= kSharedBytes;
}

// If there is no memory for it, the group is as it was.
void SegmentWriter::keep(Group& group) {
  group.offset = offset_;
  if (joins(group.segment, group.bytes.size())) {
    kept_.back().bytes += group.bytes;
    kept_.back().last = group.last;
    spare(group.bytes);
  } else if (group.bytes.size() <= kShortGroup) {
    std::string shared;
    if (!shared_.empty()) shared.swap(shared_.back());
    shared.reserve(kSharedBytes);
    shared = group.bytes;
    kept_.push_back({std::move(shared), group.first, group.last, group.segment, group.offset});
    if (!shared_.empty()) shared_.pop_back();
    spare(group.bytes);
  } else {
    kept_.push_back(std::move(group));
  }
  group = Group{};
}

void SegmentWriter::spare(std::string& bytes) noexcept {
  if (bytes.capacity() <= spare_.capacity() || bytes.capacity() > kSpareMost) return;
  spare_ = std::move(bytes);
  spare_.clear();
}

bool SegmentWriter::sync() {
  if (durable_ == written_) return true;
  if (log_.ops().sync(file_.get()) != 0) return failed("sync it");
  note_synced(written_, offset_);
  return true;
}

void SegmentWriter::note_synced(JournalPosition position, std::uint64_t offset) {
  durable_ = std::max(durable_, position);
  durable_offset_ = std::max(durable_offset_, offset);
  memory_.resume();
  const auto safe = durable_offset_ / kDiskBlock * kDiskBlock;
  while (!kept_.empty() && kept_.front().offset + kept_.front().bytes.size() <= safe &&
         kept_.front().last <= durable_) {
    auto& bytes = kept_.front().bytes;
    if (shared_.size() < kSharedMost && bytes.capacity() >= kSharedBytes &&
        bytes.capacity() < 2 * kSharedBytes) {
      bytes.clear();
      shared_.push_back(std::move(bytes));
    } else {
      spare(bytes);
    }
    kept_.pop_front();
  }
}

Manifest SegmentWriter::sealed(const Seal& seal) const {
  auto next = log_.manifest();
  if (next.segments.empty() || next.segments.back().sealed) return next;
  auto& open = next.segments.back();
  if (seal.last < open.first) {
    next.segments.pop_back();  // Nothing came into it.
    return next;
  }
  open.sealed = true;
  open.last = seal.last;
  open.bytes = seal.bytes;
  return next;
}

bool SegmentWriter::fill(const File& file, std::uint64_t number, Start& start) {
  // Not every file system can, and a full one need not: then the file grows as it is written.
  start.is_reserved =
      log_.ops().preallocate(file.get(), static_cast<std::int64_t>(segment_bytes_)) == 0;
  if (!start.is_reserved && log_.ops().truncate(file.get(), 0) != 0) return false;
  const SegmentHeader header{log_.manifest().id, number,
                             kept_.empty() ? written_ + 1 : kept_.front().first, durable_};
  if (!log_.files().write_at(file, encode_segment_header(header), 0)) return false;
  auto& end = start.end;
  end = kSegmentHeaderBytes;
  const auto seed = checksum_seed(header.id, number);
  for (auto& group : kept_) {
    auto bytes = group.bytes;
    seal_frames_again(bytes, seed);
    if (!log_.files().write_at(file, bytes, end)) return false;
    end += bytes.size();
  }
  return log_.ops().sync(file.get()) == 0 && log_.files().sync();
}

bool SegmentWriter::begin(const Seal& seal) {
  try {
    return begin_next(seal);
  } catch (const std::bad_alloc&) {
    // Before the manifest was replaced: after that nothing asks for memory.
    problem_ = kNoMemory;
    return false;
  }
}

bool SegmentWriter::begin_next(const Seal& seal) {
  const auto number = log_.take_number();
  const auto name = segment_name(number);
  auto file = log_.files().try_create(name);
  Start start;
  if (!file.is_open() || !fill(file, number, start)) {
    failed("begin " + name);
    log_.files().remove(name);
    return false;
  }
  auto next = sealed(seal);
  ManifestSegment row;
  row.number = number;
  row.first = kept_.empty() ? written_ + 1 : kept_.front().first;
  const auto unnamed = log_.manifest().segments.size() > next.segments.size();
  const auto old_name = segment_name(number_);
  next.segments.push_back(row);
  const auto replaced = log_.store(std::move(next));
  if (replaced != Replaced::done) {
    failed("name " + name + " in the manifest");
    // When it is not clear which manifest there is after a power cut, either finds its files.
    if (replaced == Replaced::before) log_.files().remove(name);
    return false;
  }
  if (unnamed && number_ != 0) log_.files().remove(old_name);
  file_ = std::move(file);
  memory_ = sync_ == SyncMode::interval && start.is_reserved
                ? FileMemory(log_.ops(), file_.get(), static_cast<std::size_t>(segment_bytes_))
                : FileMemory();
  number_ = number;
  offset_ = start.end;
  durable_offset_ = start.end;
  ahead_ = sync_ == SyncMode::always && start.is_reserved ? start.end : kNothingAhead;
  std::uint64_t at = kSegmentHeaderBytes;
  for (auto& group : kept_) {
    group.segment = 0;  // Its checksums are those of another one.
    group.offset = at;
    at += group.bytes.size();
  }
  if (!kept_.empty()) {
    written_ = kept_.back().last;
    note_synced(written_, start.end);
  }
  return true;
}

bool SegmentWriter::rotate() {
  // What is sealed is never written to again, so no later write can hurt it.
  auto kept = std::exchange(kept_, {});
  const Seal seal{written_, offset_};
  const File old = std::move(file_);
  if (!begin(seal)) {
    kept_ = std::move(kept);
    file_ = File(log_.ops(), -1);
    memory_ = FileMemory();
    return false;
  }
  // Gives back what was reserved and not used.
  static_cast<void>(log_.ops().truncate(old.get(), static_cast<std::int64_t>(seal.bytes)));
  return true;
}

bool SegmentWriter::repair() {
  if (kept_.empty()) return begin({written_, offset_});
  return begin({kept_.front().first - 1, kept_.front().offset});
}

void SegmentWriter::close() noexcept {
  const Seal seal{written_, offset_};
  // Left open, the segment is read to its end when the log is opened again.
  try {
    if (log_.store(sealed(seal)) != Replaced::done) return;
  } catch (const std::bad_alloc&) {
    failed("close it");
    return;
  }
  static_cast<void>(log_.ops().truncate(file_.get(), static_cast<std::int64_t>(seal.bytes)));
}

}  // namespace tarmac::internal
