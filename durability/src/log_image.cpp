// How an image takes the place of the records that it shows.
#include <tarmac/core/error.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "log.h"

namespace tarmac::internal {
namespace {

// Between two tries to make an image, after one has failed; twice as long each time.
constexpr std::int64_t kPauseLeast = 1'000'000'000;
constexpr std::int64_t kPauseMost = 60'000'000'000;

std::string temporary_image(std::uint64_t number) {
  return image_name(number) + std::string(kTemporaryEnding);
}

}  // namespace

class Log::Image final : public ImageWriter {
 public:
  Image(Log& log, std::uint64_t number, const ImagePreamble& preamble)
      : log_(log),
        number_(number),
        file_(std::make_unique<ImageFileWriter>(log.folder_.files(), temporary_image(number),
                                                preamble)) {}
  ~Image() override {
    file_.reset();
    if (!published_) log_.end_image(false);
  }

  void add(const JournalRecord& entry) override { file_->add(entry); }

  void publish() override {
    log_.publish_image(*file_, number_);
    published_ = true;
    log_.end_image(true);
  }

 private:
  Log& log_;
  std::uint64_t number_;
  bool published_ = false;
  std::unique_ptr<ImageFileWriter> file_;
};

std::uint64_t Log::log_bytes() const noexcept { return sealed_bytes_ + open_bytes_; }

bool Log::wants_image() const noexcept {
  if (!grown_.load(std::memory_order_relaxed)) return false;
  const std::lock_guard lock(mutex_);
  if (!recovered_ || image_under_way_ || degraded_) return false;
  if (!gap_ && log_bytes() < std::max(options_.compact_bytes, image_bytes_)) return false;
  return environment_.clock->steady_now() >= image_not_before_;
}

void Log::end_image(bool worked) noexcept {
  const std::lock_guard lock(mutex_);
  image_under_way_ = false;
  note_growth();
  if (worked) {
    ++stats_.compactions;
    image_pause_ = 0;
    return;
  }
  ++stats_.compaction_failures;
  gap_covered_ = false;
  notify_all_waiters();  // With `fail_open` they go on, and none of them is to lead.
  image_pause_ = std::clamp(2 * image_pause_, kPauseLeast, kPauseMost);
  image_not_before_ = deadline_after(environment_.clock->steady_now(), image_pause_);
}

std::unique_ptr<ImageWriter> Log::begin_image(const ImageHeader& header) {
  refuse_other_process();
  ImagePreamble preamble;
  preamble.header = header;
  std::uint64_t number = 0;
  {
    Lock lock(mutex_);
    if (!recovered_) throw UsageError("a journal is recovered before an image is made of it");
    if (image_under_way_) throw UsageError("one image at a time is made of a log");
    image_under_way_ = true;
    note_growth();
  }
  try {
    Lock lock(mutex_);
    const Pen pen(*this, lock);
    if (degraded_ || !write_out(lock, pen, /*synced=*/true)) refuse();
    const bool gap = gap_;
    lock.unlock();
    // Records behind the gap must not be read without the image that covers it.
    if (gap && !folder_.hides()) folder_.hide_from(folder_.manifest().next_number);
    const bool begun = (!gap && !writer_.has_records()) || writer_.rotate();
    preamble.id = folder_.manifest().id;
    preamble.position = writer_.written();
    number = folder_.take_number();
    lock.lock();
    publish_state();
    if (!begun) {
      ++stats_.sync_failures;
      const auto problem = writer_.problem();
      mend(lock, pen);
      throw DurabilityError("begin an image: " + problem);
    }
    gap_covered_ = gap;
    lock.unlock();
    return std::make_unique<Image>(*this, number, preamble);
  } catch (...) {
    end_image(false);
    throw;
  }
}

void Log::publish_image(ImageFileWriter& file, std::uint64_t number) {
  JournalPosition reach = 0;
  {
    Lock lock(mutex_);
    const Pen pen(*this, lock);
    if (gap_ && !gap_covered_) throw DurabilityError("records were left out since the image began");
    // The image may show what later records have made: they have to be there when it is.
    if (degraded_ || !write_out(lock, pen, /*synced=*/true)) refuse();
    reach = written_;
  }
  const auto footer = file.finish(reach);
  name_image(footer, number);
  file.dismiss();
}

void Log::name_image(const ImageFooter& footer, std::uint64_t number) {
  std::vector<std::string> old;
  replace_image(footer, number, old);
  // Without the pen: giving back the room of many megabytes takes some disks longer than writing.
  for (const auto& one : old) folder_.files().remove(one);
}

void Log::replace_image(const ImageFooter& footer, std::uint64_t number,
                        std::vector<std::string>& old) {
  Lock lock(mutex_);
  const Pen pen(*this, lock);
  lock.unlock();
  const auto& files = folder_.files();
  const auto name = image_name(number);
  const auto placed = files.put_in_place(temporary_image(number), name);
  if (placed != Replaced::done) {
    const auto reason = system_reason();
    files.remove(name);
    throw DurabilityError(files.path_of(name) + ": put it in its place: " + reason);
  }
  auto next = folder_.manifest();
  if (next.image) old.push_back(image_name(next.image->number));
  std::erase_if(next.segments, [&](const ManifestSegment& one) {
    const bool is_shown = one.sealed && one.last <= footer.position;
    if (is_shown) old.push_back(segment_name(one.number));
    return is_shown;
  });
  const auto bytes = footer.offset + kImageFooterBytes;
  next.image = ManifestImage{number, footer.position, footer.reach, bytes, footer.checksum};
  const auto hidden = folder_.hide_nothing();
  const auto stored = folder_.store(std::move(next));
  if (stored != Replaced::done) {
    const auto reason = system_reason();
    folder_.hide_from(hidden);
    if (stored == Replaced::before) files.remove(name);
    throw DurabilityError(files.path_of(kManifestName) + ": name the image: " + reason);
  }
  lock.lock();
  image_bytes_ = bytes;
  gap_ = false;
  gap_covered_ = false;
  publish_state();
}

}  // namespace tarmac::internal
