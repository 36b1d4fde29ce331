#include <tarmac/core/internal/hash_index.h>

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <utility>

namespace tarmac::internal {

constinit HashIndex::Bucket HashIndex::none_{};

void HashIndex::reserve(std::uint64_t numbers) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 30U;
  constexpr std::size_t kHugePage = std::size_t{2} << 20U;
  if (numbers <= most_) return;
  if (numbers > kMost) throw std::bad_alloc();
  const std::uint64_t count =
      std::bit_ceil(std::max<std::uint64_t>((numbers + kTakenOnAverage - 1) / kTakenOnAverage, 2));
  // Not aligned by the allocator, which knows only this way that nothing need be cleared.
  std::size_t bytes = (count + 1) * sizeof(Bucket);
  std::unique_ptr<std::byte, Free> memory(static_cast<std::byte*>(std::calloc(bytes, 1)));
  if (memory == nullptr) throw std::bad_alloc();
  void* first = memory.get();
  auto* const larger =
      static_cast<Bucket*>(std::align(alignof(Bucket), count * sizeof(Bucket), first, bytes));
  if (count * sizeof(Bucket) >= kHugePage) {
    // Only an offer, of whole pages. Where the kernel declines it, small ones do as well.
    const std::uintptr_t below = reinterpret_cast<std::uintptr_t>(larger) % 4096;
    static_cast<void>(::madvise(reinterpret_cast<std::byte*>(larger) + (4096 - below),
                                count * sizeof(Bucket) - 4096, MADV_HUGEPAGE));
  }
  const std::unique_ptr<std::byte, Free> before = std::exchange(memory_, std::move(memory));
  const Bucket* const old = std::exchange(buckets_, larger);
  const std::uint64_t old_count = most_ == 0 ? 0 : mask_ + 1;
  mask_ = count - 1;
  most_ = count * kTakenOnAverage;
  shift_ = static_cast<unsigned>(32 - std::countr_zero(count));
  for (std::uint64_t at = 0; at < old_count; ++at) {
    for (unsigned taken = old[at].taken; taken != 0; taken &= taken - 1) {
      place(old[at].tags[place_in(taken)], old[at].numbers[place_in(taken)]);
    }
  }
}

}  // namespace tarmac::internal
