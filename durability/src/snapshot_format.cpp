#include <tarmac/core/error.h>
#include <tarmac/durability/log.h>

#include <array>
#include <cstdio>
#include <random>
#include <system_error>
#include <utility>

#include "folder.h"
#include "image_file.h"

namespace tarmac {
namespace internal {
namespace {

/// The folder of a file; it may be a link, the file itself may not.
std::filesystem::path folder_of(const std::filesystem::path& file) {
  if (!file.has_filename()) throw ConfigError("snapshot: " + file.string() + " names no file");
  const auto parent = file.parent_path().empty() ? std::filesystem::path(".") : file.parent_path();
  std::error_code reason;
  auto real = std::filesystem::canonical(parent, reason);
  if (reason) {
    throw DurabilityError("snapshot " + file.string() + ": open its folder: " + reason.message());
  }
  return real;
}

/// Nobody else's, so that two snapshots of one name at the same time do not meet.
std::string temporary_name(const std::string& name) {
  std::random_device chance;
  std::array<char, 32> ending{};
  std::snprintf(ending.data(), ending.size(), ".%08x%08x", chance(), chance());
  return name + ending.data() + std::string(kTemporaryEnding);
}

class SnapshotFile final : public ImageWriter {
 public:
  SnapshotFile(FileOps& files, const std::filesystem::path& file, const ImageHeader& header)
      : folder_(files, folder_of(file), /*make=*/false),
        name_(file.filename().string()),
        writer_(folder_, temporary_name(name_), ImagePreamble{new_log_id(), 0, header}) {}

  void add(const JournalRecord& entry) override { writer_.add(entry); }

  void publish() override {
    writer_.finish(0);
    const auto placed = folder_.put_in_place(writer_.name(), name_);
    if (placed == Replaced::before) folder_.fail("put it in its place", name_);
    writer_.dismiss();
    if (placed == Replaced::unclear) folder_.fail("make its new name durable", name_);
  }

 private:
  Folder folder_;
  std::string name_;
  ImageFileWriter writer_;
};

class TarmacSnapshotFormat final : public SnapshotFormat {
 public:
  explicit TarmacSnapshotFormat(FileOps& files) : files_(files) {}

  [[nodiscard]] std::unique_ptr<ImageWriter> create(const std::filesystem::path& file,
                                                    const ImageHeader& header) const override {
    return std::make_unique<SnapshotFile>(files_, file, header);
  }

  ImageHeader read(const std::filesystem::path& file, const Journal::Visit& visit) const override {
    const Folder folder(files_, folder_of(file), /*make=*/false);
    ImageFileReader reader(folder, file.filename().string());
    reader.verify();
    reader.read(visit);
    return reader.preamble().header;
  }

 private:
  FileOps& files_;
};

}  // namespace
}  // namespace internal

std::unique_ptr<SnapshotFormat> make_snapshot_format(FileOps& files) {
  return std::make_unique<internal::TarmacSnapshotFormat>(files);
}

}  // namespace tarmac
