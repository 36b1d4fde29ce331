#include <tarmac/core/error.h>
#include <tarmac/policies/write_around.h>
#include <tarmac/policies/write_through.h>

#include <utility>

namespace tarmac {
namespace {

class WriteAround final : public WritePolicy {
 public:
  explicit WriteAround(std::shared_ptr<BackingStore> store)
      : writer_(write_through(std::move(store))) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "write_around"; }
  [[nodiscard]] std::shared_ptr<BackingStore> store() const override { return writer_->store(); }
  void attach(WritePolicyHost& host) override { writer_->attach(host); }
  [[nodiscard]] EntryState on_write(StoreWrite write) override {
    return writer_->on_write(std::move(write));
  }
  [[nodiscard]] bool keeps_written_values() const noexcept override { return false; }
  [[nodiscard]] std::optional<StoreWrite> pending(std::string_view key) const override {
    return writer_->pending(key);
  }
  FlushReport flush(std::chrono::nanoseconds limit) override { return writer_->flush(limit); }
  [[nodiscard]] WritePolicyStats stats() const noexcept override { return writer_->stats(); }
  [[nodiscard]] std::shared_ptr<const StoreImage> image() override { return writer_->image(); }
  void put_back(const StoreImage& image) override { writer_->put_back(image); }

 private:
  const std::unique_ptr<WritePolicy> writer_;
};

}  // namespace

std::unique_ptr<WritePolicy> write_around(std::shared_ptr<BackingStore> store) {
  if (!store) {
    throw ConfigError("write policy \"write_around\" needs a store; name one, for example memory");
  }
  return std::make_unique<WriteAround>(std::move(store));
}

}  // namespace tarmac
