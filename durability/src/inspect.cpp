#include <fcntl.h>
#include <tarmac/core/error.h>
#include <tarmac/durability/inspect.h>
#include <tarmac/durability/log.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <functional>
#include <limits>
#include <span>
#include <system_error>
#include <utility>

#include "folder.h"
#include "image_file.h"
#include "log_folder.h"
#include "manifest.h"
#include "segment.h"

namespace tarmac {
namespace internal {
namespace {

namespace fs = std::filesystem;

/// What is made of the sound parts, in the order in which they are found.
struct Receiver {
  std::function<void(const JournalRecord& entry)> entry;
  /// The image is over, or there is none.
  std::function<void()> image_ended;
  std::function<void(std::span<const JournalRecord> batch)> batch;
};

/// A segment as it is named, or, without a manifest, as it names itself.
struct Row {
  ManifestSegment segment;
  /// The last position that counts: a later segment has those behind it.
  JournalPosition limit = std::numeric_limits<JournalPosition>::max();
};

std::optional<std::uint64_t> number_of(std::string_view name, std::string_view start) {
  if (!is_log_file(name) || !name.starts_with(start)) return std::nullopt;
  std::uint64_t number = 0;
  const auto digits = name.substr(start.size());
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  if (read.ec != std::errc() || *read.ptr != '.') return std::nullopt;
  return number;
}

class LogInspector {
 public:
  LogInspector(const Folder& folder, const Receiver& receiver)
      : folder_(folder), receiver_(receiver) {}

  Inspection run() {
    inspection_.is_log = true;
    const auto manifest = read_manifest();
    const auto image = manifest ? manifest->image : find_image();
    if (image) look_at_image(*image, manifest.has_value());
    if (receiver_.image_ended) receiver_.image_ended();
    if (manifest) id_ = manifest->id;
    for (const auto& row : manifest ? rows_of(*manifest) : find_rows()) {
      look_at_segment(row, manifest.has_value());
    }
    if (last_ < promised_ && !is_broken_) {
      inspection_.files.front().problem = "the image shows records up to " +
                                          std::to_string(promised_) + ", and the log ends at " +
                                          std::to_string(last_);
    }
    return std::move(inspection_);
  }

 private:
  std::optional<Manifest> read_manifest() {
    auto& file = inspection_.files.emplace_back();
    file.name = kManifestName;
    file.kind = "manifest";
    const auto bytes = folder_.read(kManifestName);
    if (!bytes) {
      file.problem = "it is missing; what follows is what the other files say of themselves";
      return std::nullopt;
    }
    file.bytes = bytes->size();
    return decode_manifest(*bytes, file.problem);
  }

  static std::vector<Row> rows_of(const Manifest& manifest) {
    std::vector<Row> rows;
    for (const auto& segment : manifest.segments) rows.push_back({segment});
    return rows;
  }

  /// The newest image whose end is whole.
  std::optional<ManifestImage> find_image() {
    std::optional<ManifestImage> found;
    for (const auto& name : folder_.names()) {
      const auto number = number_of(name, "snap-");
      if (!number || (found && found->number > *number)) continue;
      try {
        const ImageFileReader reader(folder_, name);
        found = ManifestImage{*number, reader.footer().position, reader.footer().reach,
                              reader.bytes(), reader.footer().checksum};
      } catch (const DurabilityError& error) {
        note_file(name, "image").problem = error.what();
      }
    }
    return found;
  }

  std::vector<Row> find_rows() {
    std::vector<Row> rows;
    auto names = folder_.names();
    std::ranges::sort(names);
    for (const auto& name : names) {
      const auto number = number_of(name, "wal-");
      if (!number) continue;
      std::string problem;
      const auto bytes = folder_.read(name);
      const auto header = decode_segment_header(bytes.value_or(""), problem);
      if (!header) {
        note_file(name, "segment").problem = problem;
        continue;
      }
      if (!rows.empty()) rows.back().limit = header->first - 1;
      Row row;
      row.segment.number = *number;
      row.segment.first = header->first;
      id_ = header->id;
      rows.push_back(row);
    }
    return rows;
  }

  InspectedFile& note_file(const std::string& name, std::string kind) {
    auto& file = inspection_.files.emplace_back();
    file.name = name;
    file.kind = std::move(kind);
    return file;
  }

  void look_at_image(const ManifestImage& image, bool is_named) {
    const auto name = image_name(image.number);
    auto& file = note_file(name, "image");
    last_ = image.position;
    promised_ = image.reach;
    const auto count = [&](const JournalRecord& entry) {
      ++file.records;
      if (receiver_.entry) receiver_.entry(entry);
    };
    try {
      ImageFileReader reader(folder_, name);
      file.bytes = reader.bytes();
      inspection_.header = reader.preamble().header;
      if (is_named && reader.footer().checksum != image.checksum) {
        file.problem = "it is not the image that the manifest names";
      }
      try {
        reader.read({});
        reader.read(count);
      } catch (const DurabilityError& error) {
        file.problem = error.what();
        const auto sound = reader.read_sound(count);
        file.problem += " (" + std::to_string(sound) + " of " +
                        std::to_string(reader.footer().blocks) + " blocks are whole)";
      }
    } catch (const DurabilityError& error) {
      file.problem = error.what();
    }
  }

  void look_at_segment(const Row& row, bool is_named) {
    const auto name = segment_name(row.segment.number);
    auto& file = note_file(name, "segment");
    file.first = row.segment.first;
    file.last = row.segment.first - 1;
    const auto bytes = folder_.read(name);
    if (!bytes) {
      break_at(file, "it is missing, and the manifest names it");
      return;
    }
    file.bytes = bytes->size();
    const auto header = decode_segment_header(*bytes, file.problem);
    if (!header) {
      break_at(file, file.problem);
      return;
    }
    if (header->id != id_ || header->number != row.segment.number ||
        header->first != row.segment.first) {
      break_at(file, "it is a segment of another log, or another one of this log");
      return;
    }
    if (header->first > last_ + 1) break_at(file, "records are missing before it");
    const auto view = row.segment.sealed ? std::string_view(*bytes).substr(0, row.segment.bytes)
                                         : std::string_view(*bytes);
    const auto scan = scan_segment(view, *header, promised_,
                                   [&](const FrameView& frame) { show(frame, row, file); });
    judge(file, row, scan, is_named);
  }

  void judge(InspectedFile& file, const Row& row, const SegmentScan& scan, bool is_named) {
    const auto place =
        "record " + std::to_string(scan.last + 1) + " at byte " + std::to_string(scan.end);
    const bool is_short = row.segment.sealed && scan.end != row.segment.bytes;
    if (!scan.refused.empty()) {
      break_at(file, scan.refused);
    } else if (is_short || (scan.is_damaged() && (is_named || scan.last < row.limit))) {
      break_at(file, place + " is damaged, and had been promised");
    } else if (!row.segment.sealed) {
      file.torn_bytes = scan.tail_bytes;
    }
  }

  void show(const FrameView& frame, const Row& row, InspectedFile& file) {
    if (frame.header.position > row.limit) return;
    std::vector<JournalRecord> batch;
    const auto take = [&](const JournalRecord& change) { batch.push_back(change); };
    if (frame.header.type == static_cast<std::uint8_t>(FrameType::changes) &&
        read_changes(frame.payload(), take) != frame.header.changes) {
      break_at(file, "record " + std::to_string(frame.header.position) + " cannot be read");
      return;
    }
    file.last = frame.header.position;
    file.records += batch.size();
    last_ = std::max(last_, frame.header.position);
    if (receiver_.batch && !batch.empty() && !is_broken_) receiver_.batch(batch);
  }

  /// From here on nothing is shown: it would be behind a hole.
  void break_at(InspectedFile& file, std::string problem) {
    if (file.problem.empty()) file.problem = std::move(problem);
    is_broken_ = true;
  }

  const Folder& folder_;
  const Receiver& receiver_;
  Inspection inspection_;
  LogId id_{};
  JournalPosition last_ = 0;
  JournalPosition promised_ = 0;
  bool is_broken_ = false;
};

Inspection look_at_log(const fs::path& path, FileOps& files, const Receiver& receiver) {
  const Folder folder(files, path, /*make=*/false);
  const auto names = folder.names();
  const bool is_log = std::ranges::any_of(
      names, [](const std::string& name) { return name == kManifestName || is_log_file(name); });
  if (!is_log) throw ConfigError(path.string() + " is not the folder of a log");
  const auto lock = folder.try_open(kLockName, O_RDONLY);
  if (lock.is_open() && files.lock(lock.get(), /*shared=*/true) != 0) {
    throw ConfigError(path.string() + " is in use; look at it when its cache is closed");
  }
  return LogInspector(folder, receiver).run();
}

Inspection look_at_snapshot(const fs::path& path, FileOps& files, const Receiver& receiver) {
  Inspection inspection;
  auto& file = inspection.files.emplace_back();
  file.name = path.filename().string();
  file.kind = "snapshot";
  const auto parent = path.parent_path().empty() ? fs::path(".") : path.parent_path();
  const Folder folder(files, fs::canonical(parent), /*make=*/false);
  const auto count = [&](const JournalRecord& entry) {
    ++file.records;
    if (receiver.entry) receiver.entry(entry);
  };
  try {
    ImageFileReader reader(folder, file.name);
    file.bytes = reader.bytes();
    inspection.header = reader.preamble().header;
    try {
      reader.read({});
      reader.read(count);
    } catch (const DurabilityError& error) {
      file.problem = error.what();
      reader.read_sound(count);
    }
  } catch (const DurabilityError& error) {
    file.problem = error.what();
  }
  return inspection;
}

Inspection look_at(const fs::path& path, FileOps& files, const Receiver& receiver) {
  std::error_code unknown;
  if (fs::is_directory(path, unknown)) return look_at_log(path, files, receiver);
  if (fs::is_regular_file(path, unknown)) return look_at_snapshot(path, files, receiver);
  throw ConfigError(path.string() + " is neither the folder of a log nor a snapshot file");
}

void refuse_filled(const fs::path& target) {
  std::error_code unknown;
  if (!fs::exists(target, unknown) || fs::is_empty(target, unknown)) return;
  throw ConfigError(target.string() + " is not empty; name a new folder for the copy");
}

}  // namespace
}  // namespace internal

bool Inspection::is_sound() const noexcept {
  return std::ranges::all_of(files, [](const auto& file) { return file.problem.empty(); });
}

Inspection inspect(const std::filesystem::path& path, FileOps& files) {
  return internal::look_at(path, files, {});
}

Salvage salvage(const std::filesystem::path& path, const std::filesystem::path& target,
                FileOps& files) {
  const auto found = inspect(path, files);
  internal::refuse_filled(target);
  const auto header = found.header.value_or(ImageHeader{});
  Salvage result{found, 0, 0};
  std::unique_ptr<Journal> log;
  std::unique_ptr<ImageWriter> image;
  if (found.is_log) {
    DurabilityOptions options;
    options.directory = target;
    options.sync = SyncMode::never;  // The end of it syncs all.
    options.max_record_bytes = internal::kRecordBytesMost;
    log = open_log(options, files);
    std::optional<ImageHeader> none;
    log->recover([](const JournalRecord&) {}, none);
    image = log->begin_image(header);
  } else {
    std::filesystem::create_directories(target);
    image = make_snapshot_format(files)->create(target / path.filename(), header);
  }
  const internal::Receiver receiver{[&](const JournalRecord& entry) {
                                      image->add(entry);
                                      ++result.entries;
                                    },
                                    [&] {
                                      if (result.entries > 0) image->publish();
                                      image.reset();
                                    },
                                    [&](std::span<const JournalRecord> batch) {
                                      log->wait(log->append(batch));
                                      result.records += batch.size();
                                    }};
  static_cast<void>(internal::look_at(path, files, receiver));
  if (image) image->publish();
  if (log) {
    log->begin_image(header).reset();  // Synced, or an error; closing it could not tell.
  }
  return result;
}

}  // namespace tarmac
