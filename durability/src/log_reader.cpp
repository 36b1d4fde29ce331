#include "log_reader.h"

#include <tarmac/core/error.h>

#include <algorithm>
#include <utility>

#include "image_file.h"

namespace tarmac::internal {
void LogReader::damaged(const std::string& name, std::string_view what) const {
  throw DurabilityError(folder_.path_of(name) + ": " + std::string(what) +
                        "; nothing was changed. Put the file back from a copy, or recover what is "
                        "sound with `tarmac inspect --salvage`");
}

std::uint64_t LogReader::image_bytes() const noexcept {
  return manifest_.image ? manifest_.image->bytes : 0;
}

std::string LogReader::torn_name() const {
  return segment_name(manifest_.segments.back().number) + ".torn-" + std::to_string(last_ + 1);
}

Group LogReader::unsafe_end() const {
  Group group;
  if (!open_ || safe_last_ == last_) return group;
  group.bytes = open_->bytes.view().substr(safe_bytes_, open_end_ - safe_bytes_);
  group.first = safe_last_ + 1;
  group.last = last_;
  return group;
}

void LogReader::load(const ManifestSegment& row, Loaded& loaded) const {
  const auto name = segment_name(row.number);
  if (!folder_.read_into(name, loaded.bytes)) {
    damaged(name, "it is missing, and the manifest names it");
  }
  std::string problem;
  const auto header = decode_segment_header(loaded.bytes.view(), problem);
  if (!header) damaged(name, problem);
  if (header->id != manifest_.id) damaged(name, "it belongs to another log");
  if (header->number != row.number || header->first != row.first) {
    damaged(name, "it is another segment of this log");
  }
  loaded.header = *header;
}

SegmentScan LogReader::scan(const Loaded& loaded, std::uint64_t bytes, const Journal::Visit& visit,
                            std::vector<std::uint64_t>* ends) const {
  const auto name = segment_name(loaded.header.number);
  const auto take = [&](const FrameView& frame) {
    if (ends != nullptr) ends->push_back(frame.offset + frame.bytes.size());
    if (frame.header.type != static_cast<std::uint8_t>(FrameType::changes)) return;
    if (read_changes(frame.payload(), visit) == frame.header.changes) return;
    damaged(name, "record " + std::to_string(frame.header.position) + " at byte " +
                      std::to_string(frame.offset) + " cannot be read");
  };
  const auto view = loaded.bytes.view().substr(0, bytes);
  auto result = scan_segment(view, loaded.header, promised_, take, weakness_);
  if (!result.refused.empty()) damaged(name, result.refused);
  return result;
}

void LogReader::count(const SegmentScan& scan) {
  report_.records += scan.changes;
  ++report_.segments;
  last_ = scan.last;
}

void LogReader::read_image(const Journal::Visit& visit) {
  const auto& image = *manifest_.image;
  const auto name = image_name(image.number);
  ImageFileReader reader(folder_, name);
  if (reader.preamble().id != manifest_.id) damaged(name, "it belongs to another log");
  if (reader.bytes() != image.bytes || reader.footer().checksum != image.checksum ||
      reader.footer().position != image.position || reader.footer().reach != image.reach) {
    damaged(name, "it is not the image that the manifest names");
  }
  reader.verify();
  reader.read(visit);
  report_.image_entries = reader.footer().entries;
  header_ = reader.preamble().header;
  last_ = image.position;
  promised_ = image.reach;
}

void LogReader::read_sealed(const ManifestSegment& row, const Journal::Visit& visit) {
  const auto name = segment_name(row.number);
  load(row, sealed_);
  if (sealed_.bytes.size() < row.bytes) {
    damaged(name, "it ends at byte " + std::to_string(sealed_.bytes.size()) + " and should have " +
                      std::to_string(row.bytes));
  }
  const auto result = scan(sealed_, row.bytes, visit);
  if (result.end != row.bytes || result.last != row.last) {
    damaged(name, "record " + std::to_string(result.last + 1) + " at byte " +
                      std::to_string(result.end) + " is damaged");
  }
  promised_ = std::max(promised_, row.last);
  count(result);
}

void LogReader::read_open(const ManifestSegment& row, const Journal::Visit& visit) {
  const auto name = segment_name(row.number);
  // It is the last one.
  open_.emplace().bytes = std::exchange(sealed_.bytes, {});
  load(row, *open_);
  const auto result = scan(*open_, open_->bytes.size(), visit, &open_ends_);
  if (result.is_damaged()) {
    damaged(name, "record " + std::to_string(result.last + 1) + " at byte " +
                      std::to_string(result.end) + " is damaged, and records up to " +
                      std::to_string(result.durable) + " were on the disk");
  }
  count(result);
  open_end_ = result.end;
  torn_ = open_->bytes.view().substr(result.end, result.tail_bytes);
  report_.torn_bytes = result.tail_bytes;
  split_open(result.durable);
}

void LogReader::split_open(JournalPosition durable) {
  const auto before = open_->header.first - 1;
  const auto end_of = [&](std::uint64_t records) {
    return records == 0 ? kSegmentHeaderBytes : open_ends_[records - 1];
  };
  const auto durable_records =
      durable <= before ? 0 : std::min<std::uint64_t>(durable - before, open_ends_.size());
  // What shares a block of the disk with records that may not have reached it is written again,
  // too.
  const auto safe_end = end_of(durable_records) / kDiskBlock * kDiskBlock;
  const auto behind = std::ranges::upper_bound(open_ends_, safe_end);
  const auto safe_records = static_cast<std::uint64_t>(behind - open_ends_.begin());
  safe_bytes_ = end_of(safe_records);
  safe_last_ = before + safe_records;
}

void LogReader::read(const Journal::Visit& visit) {
  if (manifest_.image) read_image(visit);
  for (const auto& row : manifest_.segments) {
    if (row.sealed) {
      read_sealed(row, visit);
    } else {
      read_open(row, visit);
    }
  }
  if (!open_) safe_last_ = last_;
  if (last_ < promised_) {
    damaged(kManifestName, "the image shows records up to " + std::to_string(promised_) +
                               ", and the log ends at " + std::to_string(last_));
  }
}

}  // namespace tarmac::internal
