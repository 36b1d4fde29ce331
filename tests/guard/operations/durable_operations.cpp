// A hit costs in a durable cache what it costs in any other. In a source of its own, so that the
// compiler treats the caches of operations.cpp as if it were not there.
#include "durable_operations.h"

#include <tarmac/core/cache_manager.h>
#include <tarmac/strategies/catalog.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>

namespace {

constexpr std::uint64_t kEntries = 4'096;
constexpr std::uint64_t kOperations = 16'384;

/// Keeps nothing: what is counted here is the cache's part.
class NoJournal final : public tarmac::Journal {
 public:
  tarmac::RecoveryReport recover(const Visit&, std::optional<tarmac::ImageHeader>&) override {
    return {};
  }
  tarmac::JournalPosition append(std::span<const tarmac::JournalRecord>) override { return 1; }
  void wait(tarmac::JournalPosition) override {}
  [[nodiscard]] bool wants_image() const noexcept override { return false; }
  [[nodiscard]] std::unique_ptr<tarmac::ImageWriter> begin_image(
      const tarmac::ImageHeader&) override {
    return nullptr;
  }
  [[nodiscard]] tarmac::JournalStats stats() const noexcept override { return {}; }
};

}  // namespace

void measure_durable() {
  tarmac::journal_registry().add("log",
                                 [](const tarmac::DurabilityOptions&, const tarmac::Parameters&) {
                                   return std::make_unique<NoJournal>();
                                 });
  tarmac::CacheOptions options;
  options.max_entries = kEntries;
  options.shards = 1;
  options.seed = 1;
  options.background_expiry = false;
  options.durability = tarmac::DurabilityOptions{.directory = "none"};
  tarmac::CacheManager<std::uint64_t, std::uint64_t> cache(options);
  for (std::uint64_t i = 0; i < kEntries; ++i) cache.set(i, i);
  std::uint64_t seen = 0;
  const auto look = [&seen](const std::uint64_t&) { ++seen; };
  const auto hit = [&](std::uint64_t i) { cache.visit(i * 1'597 % kEntries, look); };
  for (std::uint64_t i = 0; i < 100; ++i) hit(i);
  measured([&] {
    for (std::uint64_t i = 100; i < kOperations; ++i) hit(i);
  });
  std::printf("lru durable hit %llu\n", static_cast<unsigned long long>(kOperations - 100));
  if (seen != kOperations) std::printf("wrong: %llu hits\n", static_cast<unsigned long long>(seen));
}
