#include <tarmac/core/error.h>
#include <tarmac/policies/write_through.h>

#include <atomic>
#include <exception>
#include <string>
#include <utility>

#include "owed_image.h"

namespace tarmac {
namespace {

class WriteThrough final : public WritePolicy {
 public:
  explicit WriteThrough(std::shared_ptr<BackingStore> store) : store_(std::move(store)) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "write_through"; }
  [[nodiscard]] std::shared_ptr<BackingStore> store() const override { return store_; }
  void attach(WritePolicyHost& host) override { cache_name_ = host.cache_name(); }

  [[nodiscard]] EntryState on_write(StoreWrite write) override {
    try {
      store_->write({&write, 1});
    } catch (const PermanentStoreError& error) {
      fail<PermanentStoreError>(error);
    } catch (const std::exception& error) {
      fail<StoreError>(error);
    }
    flushed_.fetch_add(1, std::memory_order_relaxed);
    return EntryState::clean;
  }

  [[nodiscard]] std::optional<StoreWrite> pending(std::string_view key) const override {
    static_cast<void>(key);
    return std::nullopt;
  }
  FlushReport flush(std::chrono::nanoseconds limit) override {
    static_cast<void>(limit);
    return {};
  }
  [[nodiscard]] WritePolicyStats stats() const noexcept override {
    return {.dirty_pending = 0,
            .flushed = flushed_.load(std::memory_order_relaxed),
            .store_errors = store_errors_.load(std::memory_order_relaxed)};
  }
  [[nodiscard]] std::shared_ptr<const StoreImage> image() override { return store_->image(); }
  void put_back(const StoreImage& image) override {
    const auto* with_owed = dynamic_cast<const internal::OwedImage*>(&image);
    if (with_owed == nullptr) {
      store_->put_back(image);
      return;
    }
    // Taken under write-back: what the store was owed then, it gets now, or nothing is changed.
    const auto before = store_->image();
    store_->put_back(with_owed->store());
    try {
      store_->write(with_owed->owed());
    } catch (...) {
      if (before) store_->put_back(*before);
      throw;
    }
  }

 private:
  template <class Kind>
  [[noreturn]] void fail(const std::exception& error) {
    store_errors_.fetch_add(1, std::memory_order_relaxed);
    throw Kind("while writing to store \"" + std::string(store_->name()) + "\" for cache \"" +
               cache_name_ + "\": " + error.what());
  }

  /// The other owner is the user, who may give one store to several caches.
  const std::shared_ptr<BackingStore> store_;
  std::string cache_name_;
  std::atomic<std::uint64_t> flushed_{0};
  std::atomic<std::uint64_t> store_errors_{0};
};

}  // namespace

std::unique_ptr<WritePolicy> write_through(std::shared_ptr<BackingStore> store) {
  if (!store) {
    throw ConfigError("write policy \"write_through\" needs a store; name one, for example memory");
  }
  return std::make_unique<WriteThrough>(std::move(store));
}

}  // namespace tarmac
