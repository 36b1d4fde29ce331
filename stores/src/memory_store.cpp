#include <tarmac/core/error.h>
#include <tarmac/stores/memory_store.h>

#include <array>
#include <bitset>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace tarmac {
namespace {

// Fewer than 64, the most locks at once that the thread sanitizer can follow.
constexpr std::size_t kBuckets = 32;
constexpr std::size_t kRemovalsRememberedPerBucket = 2'048;

/// Finds a std::string by a view without making one.
struct ViewHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};

template <class Value>
using StringMap = std::unordered_map<std::string, Value, ViewHash, std::equal_to<>>;

/// What one bucket holds. Shared with images, and copied before a change while it is.
struct BucketContent {
  StringMap<StoredValue> values;
  /// Stamps of removed keys, so that an older write cannot bring one back.
  StringMap<std::uint64_t> removed;
  /// The removed keys, oldest removal first. May name a key that has been written again since.
  std::deque<std::pair<std::string, std::uint64_t>> removal_order;
};

/// Whether something newer than `write` has been said about its key.
bool is_superseded(const BucketContent& content, const StoreWrite& write) {
  if (const auto value = content.values.find(write.key); value != content.values.end()) {
    return write.stamp < value->second.stamp;
  }
  const auto removal = content.removed.find(write.key);
  return removal != content.removed.end() && write.stamp < removal->second;
}

void remember_removal(BucketContent& content, const StoreWrite& write) {
  content.removed.insert_or_assign(write.key, write.stamp);
  content.removal_order.emplace_back(write.key, write.stamp);
  while (content.removal_order.size() > kRemovalsRememberedPerBucket) {
    const auto& [key, stamp] = content.removal_order.front();
    const auto found = content.removed.find(key);
    // A later removal of the same key has its own place in the order.
    if (found != content.removed.end() && found->second == stamp) content.removed.erase(found);
    content.removal_order.pop_front();
  }
}

void apply(BucketContent& content, const StoreWrite& write) {
  if (is_superseded(content, write)) return;
  if (!write.value) {
    content.values.erase(write.key);
    remember_removal(content, write);
    return;
  }
  content.removed.erase(write.key);
  content.values.insert_or_assign(write.key,
                                  StoredValue{*write.value, write.stamp, write.expires_at});
}

struct Bucket {
  std::mutex mutex;
  /// Guarded by `mutex`. The other owners are images, which never look inside.
  std::shared_ptr<BucketContent> content = std::make_shared<BucketContent>();

  /// The content, safe to change. The count grows only under `mutex` (image() takes it), so a count
  /// of one cannot be out of date in the dangerous direction.
  BucketContent& own() {
    if (content.use_count() > 1) content = std::make_shared<BucketContent>(*content);
    return *content;
  }
};

/// Keeps a bucket's content from being changed, without keeping its lock.
class SharedLook {
 public:
  explicit SharedLook(Bucket& bucket) : bucket_(bucket) {
    const std::lock_guard lock(bucket.mutex);
    content_ = bucket.content;
  }
  /// Under the lock, so that a writer which finds itself the only owner comes after our reading.
  ~SharedLook() {
    const std::lock_guard lock(bucket_.mutex);
    content_.reset();
  }
  SharedLook(const SharedLook&) = delete;
  SharedLook& operator=(const SharedLook&) = delete;

  [[nodiscard]] const BucketContent& content() const noexcept { return *content_; }

 private:
  Bucket& bucket_;
  std::shared_ptr<const BucketContent> content_;
};

class MemoryImage final : public StoreImage {
 public:
  MemoryImage(const BackingStore* store,
              std::array<std::shared_ptr<BucketContent>, kBuckets> contents)
      : store_(store), contents_(std::move(contents)) {}

  [[nodiscard]] const BackingStore* store() const noexcept { return store_; }
  [[nodiscard]] const std::shared_ptr<BucketContent>& content(std::size_t bucket) const {
    return contents_.at(bucket);
  }

 private:
  /// For the check in put_back() only; never followed.
  const BackingStore* store_;
  std::array<std::shared_ptr<BucketContent>, kBuckets> contents_;
};

class MemoryStore final : public BackingStore {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "memory"; }

  [[nodiscard]] std::optional<StoredValue> load(std::string_view key, WallNanos wall_now) override {
    Bucket& bucket = buckets_.at(bucket_of(key));
    const std::lock_guard lock(bucket.mutex);
    const auto found = bucket.content->values.find(key);
    if (found == bucket.content->values.end()) return std::nullopt;
    const auto& expires_at = found->second.expires_at;
    if (expires_at && *expires_at <= wall_now) return std::nullopt;
    return found->second;
  }

  [[nodiscard]] std::vector<std::optional<StoredValue>> load_many(std::span<const std::string> keys,
                                                                  WallNanos wall_now) override {
    std::vector<std::optional<StoredValue>> result;
    result.reserve(keys.size());
    for (const auto& key : keys) result.push_back(load(key, wall_now));
    return result;
  }

  void write(std::span<const StoreWrite> batch) override {
    std::bitset<kBuckets> touched;
    for (const auto& one : batch) touched.set(bucket_of(one.key));
    const auto locks = lock_buckets(touched);
    for (const auto& one : batch) apply(buckets_.at(bucket_of(one.key)).own(), one);
  }

  void scan(const std::function<void(std::string_view key, const StoredValue&)>& visit) override {
    for (auto& bucket : buckets_) {
      // Visited outside the lock: `visit` may call this store, and a write copies the bucket then.
      const SharedLook look(bucket);
      for (const auto& [key, value] : look.content().values) visit(key, value);
    }
  }

  [[nodiscard]] std::size_t size() override {
    std::size_t total = 0;
    for (auto& bucket : buckets_) {
      const std::lock_guard lock(bucket.mutex);
      total += bucket.content->values.size();
    }
    return total;
  }

  [[nodiscard]] std::shared_ptr<const StoreImage> image() override {
    std::array<std::shared_ptr<BucketContent>, kBuckets> contents;
    {
      const auto locks = lock_buckets(std::bitset<kBuckets>().set());
      for (std::size_t i = 0; i < kBuckets; ++i) contents.at(i) = buckets_.at(i).content;
    }
    return std::make_shared<MemoryImage>(this, std::move(contents));
  }

  void put_back(const StoreImage& image) override {
    const auto* mine = dynamic_cast<const MemoryImage*>(&image);
    if (mine == nullptr || mine->store() != this) {
      throw UsageError(
          "put an image back into store \"memory\": another store made it; restore a snapshot only "
          "into the cache and store that it was taken from");
    }
    // Declared before the locks: what was there is destroyed after they are released.
    std::array<std::shared_ptr<BucketContent>, kBuckets> contents;
    for (std::size_t i = 0; i < kBuckets; ++i) contents.at(i) = mine->content(i);
    const auto locks = lock_buckets(std::bitset<kBuckets>().set());
    for (std::size_t i = 0; i < kBuckets; ++i) buckets_.at(i).content.swap(contents.at(i));
  }

 private:
  [[nodiscard]] static std::size_t bucket_of(std::string_view key) noexcept {
    return std::hash<std::string_view>{}(key) % kBuckets;
  }

  /// Always in ascending order, so that two batches cannot wait for each other.
  [[nodiscard]] std::vector<std::unique_lock<std::mutex>> lock_buckets(
      const std::bitset<kBuckets>& which) {
    std::vector<std::unique_lock<std::mutex>> locks;
    locks.reserve(which.count());
    for (std::size_t i = 0; i < kBuckets; ++i) {
      if (which.test(i)) locks.emplace_back(buckets_.at(i).mutex);
    }
    return locks;
  }

  std::array<Bucket, kBuckets> buckets_;
};

}  // namespace

std::shared_ptr<BackingStore> make_memory_store() { return std::make_shared<MemoryStore>(); }

std::unique_ptr<BackingStore> internal::new_memory_store() {
  return std::make_unique<MemoryStore>();
}

}  // namespace tarmac
