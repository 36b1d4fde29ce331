#include "log_reader.h"

#include <tarmac/core/error.h>

#include <algorithm>

#include "image_file.h"

namespace tarmac::internal {
namespace {

/// Whether the payload of a sound record is what its header counts.
bool is_readable(const FrameView& frame) {
  if (frame.header.type != static_cast<std::uint8_t>(FrameType::changes)) return true;
  return read_changes(frame.payload(), {}) == frame.header.changes;
}

}  // namespace

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
  group.bytes = open_->bytes.substr(safe_bytes_, open_end_ - safe_bytes_);
  group.first = safe_last_ + 1;
  group.last = last_;
  return group;
}

LogReader::Loaded LogReader::load(const ManifestSegment& row) const {
  const auto name = segment_name(row.number);
  auto bytes = folder_.read(name);
  if (!bytes) damaged(name, "it is missing, and the manifest names it");
  std::string problem;
  const auto header = decode_segment_header(*bytes, problem);
  if (!header) damaged(name, problem);
  if (header->id != manifest_.id) damaged(name, "it belongs to another log");
  if (header->number != row.number || header->first != row.first) {
    damaged(name, "it is another segment of this log");
  }
  return {*std::move(bytes), *header};
}

SegmentScan LogReader::scan(const Loaded& loaded, std::uint64_t bytes) {
  const auto name = segment_name(loaded.header.number);
  const auto check = [&](const FrameView& frame) {
    if (is_readable(frame)) return;
    damaged(name, "record " + std::to_string(frame.header.position) + " at byte " +
                      std::to_string(frame.offset) + " cannot be read");
  };
  const auto view = std::string_view(loaded.bytes).substr(0, bytes);
  auto result = scan_segment(view, loaded.header, promised_, check, weakness_);
  if (!result.refused.empty()) damaged(name, result.refused);
  return result;
}

void LogReader::count(const SegmentScan& scan) {
  report_.records += scan.changes;
  ++report_.segments;
  last_ = scan.last;
}

void LogReader::verify_image() {
  const auto& image = *manifest_.image;
  const auto name = image_name(image.number);
  ImageFileReader reader(folder_, name);
  if (reader.preamble().id != manifest_.id) damaged(name, "it belongs to another log");
  if (reader.bytes() != image.bytes || reader.footer().checksum != image.checksum ||
      reader.footer().position != image.position || reader.footer().reach != image.reach) {
    damaged(name, "it is not the image that the manifest names");
  }
  reader.read({});
  report_.image_entries = reader.footer().entries;
  header_ = reader.preamble().header;
  last_ = image.position;
  promised_ = image.reach;
}

void LogReader::verify_sealed(const ManifestSegment& row) {
  const auto name = segment_name(row.number);
  const auto loaded = load(row);
  if (loaded.bytes.size() < row.bytes) {
    damaged(name, "it ends at byte " + std::to_string(loaded.bytes.size()) + " and should have " +
                      std::to_string(row.bytes));
  }
  const auto result = scan(loaded, row.bytes);
  if (result.end != row.bytes || result.last != row.last) {
    damaged(name, "record " + std::to_string(result.last + 1) + " at byte " +
                      std::to_string(result.end) + " is damaged");
  }
  promised_ = std::max(promised_, row.last);
  count(result);
}

void LogReader::verify_open(const ManifestSegment& row) {
  const auto name = segment_name(row.number);
  open_ = load(row);
  const auto result = scan(*open_, open_->bytes.size());
  if (result.is_damaged()) {
    damaged(name, "record " + std::to_string(result.last + 1) + " at byte " +
                      std::to_string(result.end) + " is damaged, and records up to " +
                      std::to_string(result.durable) + " were on the disk");
  }
  count(result);
  open_end_ = result.end;
  torn_ = std::string_view(open_->bytes).substr(result.end, result.tail_bytes);
  report_.torn_bytes = result.tail_bytes;
  split_open(result.durable);
}

void LogReader::split_open(JournalPosition durable) {
  const auto whole = std::string_view(open_->bytes).substr(0, open_end_);
  std::uint64_t durable_end = kSegmentHeaderBytes;
  const auto find_end = [&](const FrameView& frame) {
    if (frame.header.position <= durable) durable_end = frame.offset + frame.bytes.size();
  };
  static_cast<void>(scan_segment(whole, open_->header, 0, find_end, weakness_));
  // What shares a block of the disk with records that may not have reached it is written again,
  // too.
  const auto safe_end = durable_end / kDiskBlock * kDiskBlock;
  safe_bytes_ = kSegmentHeaderBytes;
  safe_last_ = open_->header.first - 1;
  const auto find_safe = [&](const FrameView& frame) {
    if (frame.offset + frame.bytes.size() > safe_end) return;
    safe_bytes_ = frame.offset + frame.bytes.size();
    safe_last_ = frame.header.position;
  };
  static_cast<void>(scan_segment(whole, open_->header, 0, find_safe, weakness_));
}

void LogReader::verify() {
  if (manifest_.image) verify_image();
  for (const auto& row : manifest_.segments) {
    if (row.sealed) {
      verify_sealed(row);
    } else {
      verify_open(row);
    }
  }
  if (!open_) safe_last_ = last_;
  if (last_ < promised_) {
    damaged(kManifestName, "the image shows records up to " + std::to_string(promised_) +
                               ", and the log ends at " + std::to_string(last_));
  }
}

void LogReader::show(const Journal::Visit& visit) {
  if (manifest_.image) ImageFileReader(folder_, image_name(manifest_.image->number)).read(visit);
  const auto show_frame = [&](const FrameView& frame) {
    if (frame.header.type != static_cast<std::uint8_t>(FrameType::changes)) return;
    static_cast<void>(read_changes(frame.payload(), visit));
  };
  for (const auto& row : manifest_.segments) {
    const bool is_open = !row.sealed;
    const auto loaded = is_open ? *open_ : load(row);
    const auto bytes = is_open ? open_end_ : row.bytes;
    const auto shown = scan_segment(std::string_view(loaded.bytes).substr(0, bytes), loaded.header,
                                    0, show_frame, weakness_);
    if (shown.end != bytes) damaged(segment_name(row.number), "it changed while it was read");
  }
}

}  // namespace tarmac::internal
