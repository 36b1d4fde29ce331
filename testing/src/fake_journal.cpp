#include <tarmac/core/error.h>
#include <tarmac/testing/fake_journal.h>

#include <utility>

namespace tarmac::testing {

OwnedRecord::OwnedRecord(const JournalRecord& other)
    : record(other), key(other.key), value(other.value) {
  record.key = {};
  record.value = {};
}

JournalRecord OwnedRecord::view() const {
  JournalRecord whole = record;
  whole.key = key;
  whole.value = value;
  return whole;
}

/// One opened journal.
class FakeJournal final : public Journal {
 public:
  FakeJournal(FakeDisk& disk, std::uint64_t session) : disk_(disk), session_(session) {}
  ~FakeJournal() override {
    const std::lock_guard lock(disk_.mutex_);
    if (is_open()) make_durable(last());
  }

  RecoveryReport recover(const Visit& visit, std::optional<ImageHeader>& header) override {
    const std::lock_guard lock(disk_.mutex_);
    RecoveryReport report;
    for (const auto& entry : disk_.image_) visit(entry.view());
    report.image_entries = disk_.image_.size();
    for (const auto& batch : disk_.batches_) {
      for (const auto& record : batch) visit(record.view());
      report.records += batch.size();
    }
    header = disk_.header_;
    return report;
  }

  JournalPosition append(std::span<const JournalRecord> batch) override {
    const std::lock_guard lock(disk_.mutex_);
    if (disk_.take(disk_.failing_appends_)) {
      throw DurabilityError("fake journal: append failed, as the test wants");
    }
    if (!is_open()) return last() + 1;
    store(batch);
    return last();
  }

  bool commit_at_once(const JournalRecord& record) override {
    const std::lock_guard lock(disk_.mutex_);
    const bool fails = disk_.failing_appends_ > 0 || disk_.failing_waits_ > 0;
    if (disk_.one_in_ == 0 || fails || disk_.holding_ || !is_open()) return false;
    if (++disk_.offered_ % disk_.one_in_ != 0) return false;
    store({&record, 1});
    ++disk_.taken_at_once_;
    if (!disk_.early_) make_durable(last());
    return true;
  }

  void wait(JournalPosition position) override {
    std::unique_lock lock(disk_.mutex_);
    ++disk_.held_;
    disk_.changed_.notify_all();
    disk_.changed_.wait(lock, [this] { return !disk_.holding_ || disk_.early_ || !is_open(); });
    --disk_.held_;
    if (disk_.take(disk_.failing_waits_)) {
      ++disk_.stats_.sync_failures;
      throw DurabilityError("fake journal: wait failed, as the test wants");
    }
    if (!is_open() || disk_.early_) return;
    make_durable(position);
  }

  [[nodiscard]] bool wants_image() const noexcept override {
    const std::lock_guard lock(disk_.mutex_);
    return disk_.wants_image_;
  }
  [[nodiscard]] std::unique_ptr<ImageWriter> begin_image(const ImageHeader& header) override;
  [[nodiscard]] JournalStats stats() const noexcept override { return disk_.stats(); }

 private:
  friend class FakeImageWriter;

  // All require the disk's mutex.
  [[nodiscard]] bool is_open() const { return disk_.session_ == session_; }
  [[nodiscard]] JournalPosition last() const { return disk_.before_first_ + disk_.batches_.size(); }
  void store(std::span<const JournalRecord> batch) {
    auto& stored = disk_.batches_.emplace_back();
    for (const auto& record : batch) {
      stored.emplace_back(record);
      disk_.stats_.appended_bytes += record.key.size() + record.value.size();
    }
    disk_.stats_.appended_records += batch.size();
  }
  void make_durable(JournalPosition position) {
    for (; disk_.durable_ < position; ++disk_.durable_) {
      for (const auto& one : disk_.batches_.at(disk_.durable_ - disk_.before_first_)) {
        if (one.record.kind == JournalRecord::Kind::put) disk_.safe_[one.key] = one.value;
      }
      ++disk_.stats_.syncs;
    }
  }

  FakeDisk& disk_;
  const std::uint64_t session_;
};

/// Collects aside; publish() replaces the image and drops the log before it.
class FakeImageWriter final : public ImageWriter {
 public:
  FakeImageWriter(FakeJournal& journal, ImageHeader header, JournalPosition after)
      : journal_(journal), header_(std::move(header)), after_(after) {}

  void add(const JournalRecord& entry) override { entries_.emplace_back(entry); }
  void publish() override {
    auto& disk = journal_.disk_;
    const std::lock_guard lock(disk.mutex_);
    if (disk.take(disk.failing_images_)) {
      ++disk.stats_.compaction_failures;
      throw DurabilityError("fake journal: image failed, as the test wants");
    }
    if (!journal_.is_open()) return;
    journal_.make_durable(journal_.last());  // The image must not be ahead of the log.
    const auto gone = after_ - disk.before_first_;
    disk.batches_.erase(disk.batches_.begin(),
                        disk.batches_.begin() + static_cast<std::ptrdiff_t>(gone));
    disk.before_first_ = after_;
    disk.image_ = std::move(entries_);
    disk.header_ = header_;
    disk.wants_image_ = false;
    ++disk.stats_.compactions;
    disk.changed_.notify_all();
  }

 private:
  FakeJournal& journal_;
  const ImageHeader header_;
  const JournalPosition after_;
  std::vector<OwnedRecord> entries_;
};

std::unique_ptr<ImageWriter> FakeJournal::begin_image(const ImageHeader& header) {
  const std::lock_guard lock(disk_.mutex_);
  if (disk_.take(disk_.failing_images_)) {
    ++disk_.stats_.compaction_failures;
    throw DurabilityError("fake journal: image failed, as the test wants");
  }
  return std::make_unique<FakeImageWriter>(*this, header, last());
}

bool FakeDisk::take(std::uint64_t& failures) {
  if (failures == 0) return false;
  --failures;
  return true;
}

void FakeDisk::crash() {
  const std::lock_guard lock(mutex_);
  ++session_;
  batches_.resize(durable_ - before_first_);
  holding_ = false;
  changed_.notify_all();
}

void FakeDisk::fail_appends(std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  failing_appends_ = count;
}

void FakeDisk::fail_waits(std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  failing_waits_ = count;
}

void FakeDisk::fail_images(std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  failing_images_ = count;
}

void FakeDisk::hold_waits() {
  const std::lock_guard lock(mutex_);
  holding_ = true;
}

void FakeDisk::release_waits() {
  const std::lock_guard lock(mutex_);
  holding_ = false;
  changed_.notify_all();
}

void FakeDisk::await_held(std::size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this, count] { return held_ >= count; });
}

void FakeDisk::want_image(bool wants) {
  const std::lock_guard lock(mutex_);
  wants_image_ = wants;
}

void FakeDisk::take_at_once(std::uint64_t one_in) {
  const std::lock_guard lock(mutex_);
  one_in_ = one_in;
}

std::uint64_t FakeDisk::taken_at_once() const {
  const std::lock_guard lock(mutex_);
  return taken_at_once_;
}

void FakeDisk::acknowledge_early(bool early) {
  const std::lock_guard lock(mutex_);
  early_ = early;
  changed_.notify_all();
}

std::vector<std::vector<OwnedRecord>> FakeDisk::batches() const {
  const std::lock_guard lock(mutex_);
  return batches_;
}

std::vector<OwnedRecord> FakeDisk::image() const {
  const std::lock_guard lock(mutex_);
  return image_;
}

std::optional<ImageHeader> FakeDisk::header() const {
  const std::lock_guard lock(mutex_);
  return header_;
}

JournalStats FakeDisk::stats() const {
  const std::lock_guard lock(mutex_);
  auto stats = stats_;
  stats.appended = before_first_ + batches_.size();
  stats.durable = durable_;
  stats.segments = 1;
  stats.log_bytes = stats.appended_bytes;
  return stats;
}

std::optional<std::string> FakeDisk::safe_value(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const auto found = safe_.find(key);
  return found == safe_.end() ? std::nullopt : std::optional(found->second);
}

void FakeDisk::await_images(std::uint64_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this, count] { return stats_.compactions >= count; });
}

std::unique_ptr<Journal> FakeDisk::open() {
  const std::lock_guard lock(mutex_);
  return std::make_unique<FakeJournal>(*this, ++session_);
}

namespace {

struct Mounts {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<FakeDisk>> disks;
};

Mounts& mounts() {
  static Mounts all;
  return all;
}

struct SnapshotFiles {
  struct File {
    ImageHeader header;
    std::vector<OwnedRecord> entries;
    bool damaged = false;
  };
  std::mutex mutex;
  std::map<std::string, File> files;
};

SnapshotFiles& snapshot_files() {
  static SnapshotFiles all;
  return all;
}

class FakeFileWriter final : public ImageWriter {
 public:
  FakeFileWriter(std::string name, ImageHeader header) : name_(std::move(name)) {
    file_.header = std::move(header);
  }
  void add(const JournalRecord& entry) override { file_.entries.emplace_back(entry); }
  void publish() override {
    auto& all = snapshot_files();
    const std::lock_guard lock(all.mutex);
    all.files[name_] = std::move(file_);
  }

 private:
  const std::string name_;
  SnapshotFiles::File file_;
};

class FakeSnapshotFormat final : public SnapshotFormat {
 public:
  [[nodiscard]] std::unique_ptr<ImageWriter> create(const std::filesystem::path& file,
                                                    const ImageHeader& header) const override {
    return std::make_unique<FakeFileWriter>(file.string(), header);
  }
  ImageHeader read(const std::filesystem::path& file, const Journal::Visit& visit) const override {
    auto& all = snapshot_files();
    const std::lock_guard lock(all.mutex);
    const auto found = all.files.find(file.string());
    if (found == all.files.end() || found->second.damaged) {
      throw DurabilityError("snapshot " + file.string() + " is missing or damaged");
    }
    for (const auto& entry : found->second.entries) visit(entry.view());
    return found->second.header;
  }
};

}  // namespace

void mount(const std::string& directory, std::shared_ptr<FakeDisk> disk) {
  {
    const std::lock_guard lock(mounts().mutex);
    mounts().disks[directory] = std::move(disk);
  }
  journal_registry().add("log", [](const DurabilityOptions& options, const Parameters&) {
    const std::lock_guard lock(mounts().mutex);
    const auto found = mounts().disks.find(options.directory.string());
    if (found == mounts().disks.end()) {
      throw ConfigError("no fake disk is mounted at " + options.directory.string());
    }
    return found->second->open();
  });
}

void register_fake_snapshot_format() {
  snapshot_format_registry().add(
      "tarmac", [](const Parameters&) { return std::make_unique<FakeSnapshotFormat>(); });
}

void damage_fake_snapshot(const std::filesystem::path& file) {
  const std::lock_guard lock(snapshot_files().mutex);
  snapshot_files().files[file.string()].damaged = true;
}

}  // namespace tarmac::testing
