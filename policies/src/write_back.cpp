#include <tarmac/core/error.h>
#include <tarmac/policies/write_back.h>

#include <string>
#include <utility>

#include "owed_image.h"
#include "write_back_worker.h"

namespace tarmac {
namespace {

void require(bool holds, const char* what) {
  if (!holds) throw ConfigError(std::string("write policy \"write_back\": ") + what);
}

class WriteBack final : public WritePolicy {
 public:
  WriteBack(std::shared_ptr<BackingStore> store, const WriteBackOptions& options)
      : worker_(std::make_shared<internal::WriteBackWorker>(std::move(store), options)) {}
  ~WriteBack() override { worker_->shut_down(); }

  [[nodiscard]] std::string_view name() const noexcept override { return "write_back"; }
  [[nodiscard]] std::shared_ptr<BackingStore> store() const override { return worker_->store(); }
  void attach(WritePolicyHost& host) override { worker_->attach(host); }
  [[nodiscard]] EntryState on_write(StoreWrite write) override {
    worker_->add(std::move(write));
    return EntryState::dirty;
  }
  [[nodiscard]] std::optional<StoreWrite> pending(std::string_view key) const override {
    return worker_->pending(key);
  }
  [[nodiscard]] WriteIntake* intake() noexcept override { return worker_.get(); }
  FlushReport flush(std::chrono::nanoseconds limit) override { return worker_->flush(limit); }
  [[nodiscard]] WritePolicyStats stats() const noexcept override { return worker_->stats(); }

  [[nodiscard]] std::shared_ptr<const StoreImage> image() override {
    // The queue first: a batch that reaches the store in between is then in both, which its stamp
    // makes harmless; the other way round it would be in neither.
    auto owed = worker_->copy_queue();
    auto store = worker_->store()->image();
    if (!store) return nullptr;
    return std::make_shared<internal::OwedImage>(std::move(store), std::move(owed));
  }

  void put_back(const StoreImage& image) override {
    if (const auto* mine = dynamic_cast<const internal::OwedImage*>(&image)) {
      worker_->replace_all(mine->store(), mine->owed());
    } else {
      // Taken under another policy, which owed nothing.
      worker_->replace_all(image, {});
    }
  }

 private:
  /// The other owner is the worker's own thread.
  const std::shared_ptr<internal::WriteBackWorker> worker_;
};

}  // namespace

void WriteBackOptions::validate() const {
  constexpr std::chrono::nanoseconds kZero{0};
  require(loss_window_max >= kZero, "loss_window_max must not be negative");
  require(batch_max >= 1, "batch_max must be at least 1");
  require(dirty_max >= 1, "dirty_max must be at least 1");
  require(block_max >= kZero, "block_max must not be negative; 0 never waits");
  require(shutdown_limit >= kZero, "shutdown_limit must not be negative");
  require(retry_initial > kZero, "retry_initial must be more than 0");
  require(attempts_max >= 1, "attempts_max must be at least 1");
  require(dead_letters.empty() || dead_letters.has_filename(),
          "dead_letters is a folder; name a file in it");
  require(retry_max >= retry_initial, "retry_max must be at least retry_initial");
}

std::unique_ptr<WritePolicy> write_back(std::shared_ptr<BackingStore> store,
                                        const WriteBackOptions& options) {
  require(store != nullptr, "it needs a store; name one, for example memory");
  options.validate();
  return std::make_unique<WriteBack>(std::move(store), options);
}

}  // namespace tarmac
