#include <tarmac/core/internal/engine.h>

#include <algorithm>
#include <bit>
#include <thread>

namespace tarmac::internal {

std::size_t choose_shard_count(const CacheOptions& options) {
  if (options.shards) return *options.shards;
  constexpr std::uint64_t kEntriesPerShard = 8'192;
  constexpr std::uint64_t kBytesPerShard = 1U << 20U;
  const std::uint64_t threads = std::max(1U, std::thread::hardware_concurrency());
  std::uint64_t most = 4 * threads;
  if (options.max_entries) most = std::min(most, *options.max_entries / kEntriesPerShard);
  if (options.max_bytes) most = std::min(most, *options.max_bytes / kBytesPerShard);
  return static_cast<std::size_t>(std::bit_floor(std::clamp<std::uint64_t>(most, 1, 32)));
}

}  // namespace tarmac::internal
