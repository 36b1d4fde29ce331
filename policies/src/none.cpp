#include <tarmac/core/assert.h>
#include <tarmac/policies/none.h>

namespace tarmac {
namespace {

class NoWritePolicy final : public WritePolicy {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "none"; }
  [[nodiscard]] std::shared_ptr<BackingStore> store() const override { return nullptr; }
  void attach(WritePolicyHost& host) override { static_cast<void>(host); }
  [[nodiscard]] EntryState on_write(StoreWrite write) override {
    static_cast<void>(write);
    // Answering `clean` would claim that a store has the value.
    constexpr bool kCanWrite = false;
    TARMAC_ASSERT(kCanWrite);
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
  [[nodiscard]] WritePolicyStats stats() const noexcept override { return {}; }
};

}  // namespace

std::unique_ptr<WritePolicy> no_write_policy() { return std::make_unique<NoWritePolicy>(); }

}  // namespace tarmac
