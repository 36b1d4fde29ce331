#include <tarmac/core/error.h>
#include <tarmac/stores/file_store.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "file_document.h"
#include "posix_file.h"
#include "stored_row.h"

namespace tarmac {
namespace {

using internal::FileRows;

/// What the store has at one moment. Never changed: a write makes a new one, so that a failed write
/// has nothing to undo, and an image is a reference.
struct Content {
  FileRows rows;
  std::size_t values = 0;
};

class FileImage final : public StoreImage {
 public:
  FileImage(const BackingStore* store, std::shared_ptr<const Content> content)
      : store_(store), content_(std::move(content)) {}
  [[nodiscard]] const BackingStore* store() const noexcept { return store_; }
  [[nodiscard]] const std::shared_ptr<const Content>& content() const noexcept { return content_; }

 private:
  /// For the check in put_back() only; never followed.
  const BackingStore* store_;
  std::shared_ptr<const Content> content_;
};

class FileStore final : public BackingStore {
 public:
  explicit FileStore(FileStoreOptions options) : options_(std::move(options)) {
    if (options_.path.empty()) throw ConfigError("store \"file\" has no path; add `path: FILE`");
    if (!options_.path.has_filename()) {
      throw ConfigError("store \"file\": the path \"" + options_.path.string() +
                        "\" is a folder; name a file in it");
    }
  }

  [[nodiscard]] std::string_view name() const noexcept override { return "file"; }

  [[nodiscard]] std::optional<StoredValue> load(std::string_view key, WallNanos wall_now) override {
    const auto content = current();
    const auto found = content->rows.find(key);
    if (found == content->rows.end() || !found->second->value) return std::nullopt;
    if (internal::has_expired(found->second->value->expires_at, wall_now)) return std::nullopt;
    return found->second->value;
  }

  void write(std::span<const StoreWrite> batch) override {
    if (batch.empty()) return;
    const std::lock_guard lock(writer_);
    auto next = std::make_shared<Content>(*opened());
    for (const auto& one : batch) {
      const auto found = next->rows.find(one.key);
      if (found != next->rows.end() && one.stamp < found->second->stamp) continue;
      next->rows.insert_or_assign(one.key, internal::make_file_row(one));
    }
    forget_old_removals(next->rows);
    publish(std::move(next));
  }

  void scan(const std::function<void(std::string_view key, const StoredValue&)>& visit) override {
    const auto content = current();
    for (const auto& [key, row] : content->rows) {
      if (row->value) visit(key, *row->value);
    }
  }

  [[nodiscard]] std::size_t size() override { return current()->values; }

  [[nodiscard]] StoreHealth health() noexcept override {
    try {
      static_cast<void>(current());
      return {};
    } catch (const std::exception& error) {
      return {false, error.what()};
    }
  }

  [[nodiscard]] std::shared_ptr<const StoreImage> image() override {
    return std::make_shared<FileImage>(this, current());
  }

  void put_back(const StoreImage& image) override {
    const auto* mine = dynamic_cast<const FileImage*>(&image);
    if (mine == nullptr || mine->store() != this) {
      throw UsageError(
          "put an image back into store \"file\": another store made it; restore a snapshot only "
          "into the cache and store that it was taken from");
    }
    const std::lock_guard lock(writer_);
    publish(std::make_shared<Content>(*mine->content()));
  }

 private:
  /// What readers see; opens the file first, if nobody has.
  [[nodiscard]] std::shared_ptr<const Content> current() {
    {
      const std::lock_guard lock(readers_);
      if (content_) return content_;
    }
    const std::lock_guard lock(writer_);
    return opened();
  }

  /// Requires: `writer_` is held. A failed attempt leaves nothing open, so the next may succeed.
  [[nodiscard]] std::shared_ptr<const Content> opened() {
    if (file_) return content_;
    auto file = std::make_unique<internal::GuardedFile>(options_.path);
    auto content = std::make_shared<Content>();
    if (const auto document = file->read(options_.bytes_max)) {
      content->rows = internal::read_document(*document, options_.path.string());
    }
    file_ = std::move(file);
    show(std::move(content));
    return content_;
  }

  /// Requires: `writer_` is held, the file is open.
  void publish(std::shared_ptr<Content> next) {
    static_cast<void>(opened());
    const auto document = internal::write_document(next->rows);
    if (document.size() > options_.bytes_max) {
      throw StoreError("store file " + options_.path.string() + " would have " +
                       std::to_string(document.size()) + " bytes, and bytes_max is " +
                       std::to_string(options_.bytes_max) + ": raise it, or use the store sqlite");
    }
    const bool durable = file_->replace(document);
    show(std::move(next));
    if (!durable) {
      throw StoreError("store file " + options_.path.string() +
                       " has been replaced, but its folder could not be synced: the last writes "
                       "may not survive a power cut");
    }
  }

  void show(std::shared_ptr<Content> content) {
    content->values = static_cast<std::size_t>(
        std::count_if(content->rows.begin(), content->rows.end(),
                      [](const auto& row) { return row.second->value.has_value(); }));
    std::shared_ptr<const Content> shown = std::move(content);
    const std::lock_guard lock(readers_);
    content_.swap(shown);
  }

  void forget_old_removals(FileRows& rows) const {
    std::vector<std::uint64_t> stamps;
    for (const auto& [key, row] : rows) {
      if (!row->value) stamps.push_back(row->stamp);
    }
    if (stamps.size() <= options_.removals_max) return;
    const auto surplus = static_cast<std::ptrdiff_t>(stamps.size() - options_.removals_max);
    std::nth_element(stamps.begin(), stamps.begin() + surplus - 1, stamps.end());
    const auto newest_to_forget = stamps[static_cast<std::size_t>(surplus - 1)];
    std::erase_if(rows, [&](const auto& row) {
      return !row.second->value && row.second->stamp <= newest_to_forget;
    });
  }

  const FileStoreOptions options_;
  /// One writer at a time; guards `file_`. Taken before `readers_`.
  std::mutex writer_;
  std::unique_ptr<internal::GuardedFile> file_;
  /// Guards `content_`, never while the disk is waited for. The other owners are images, readers.
  std::mutex readers_;
  std::shared_ptr<const Content> content_;
};

}  // namespace

std::shared_ptr<BackingStore> make_file_store(const FileStoreOptions& options) {
  auto store = std::make_shared<FileStore>(options);
  static_cast<void>(store->size());
  return store;
}

std::unique_ptr<BackingStore> internal::new_file_store(const Parameters& parameters) {
  FileStoreOptions options;
  options.path = parameters.get_string("path", "");
  options.bytes_max = parameters.get_uint("bytes_max", options.bytes_max);
  options.removals_max = parameters.get_uint("removals_max", options.removals_max);
  // Before the path is missed: what nobody knows may be the path, misspelt.
  parameters.reject_unknown("backing store \"file\"");
  return std::make_unique<FileStore>(std::move(options));
}

}  // namespace tarmac
