#include <tarmac/core/assert.h>
#include <tarmac/core/internal/entry_arena.h>

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <new>
#include <utility>

namespace tarmac::internal {
namespace {

/// From here on malloc() would map each slab by itself, twice as large, for its place's sake.
constexpr unsigned kMappedShift = 16;
constexpr unsigned kHugePageShift = 21;
/// So that even a very large cache has not more slabs than the system allows mappings.
constexpr unsigned kLargestShift = 25;
/// Until then slabs are as small as they can be.
constexpr std::uint64_t kFew = std::uint64_t{1} << 18U;
/// Larger entries are few to a page anyway.
constexpr std::size_t kLargestPiece = 1024;

constinit std::atomic<std::uint64_t> mapped{0};

constexpr std::uint64_t bytes_of(unsigned shift) { return std::uint64_t{1} << shift; }

unsigned shift_that_holds(std::size_t bytes) {
  return static_cast<unsigned>(std::bit_width(bytes - 1));
}

/// As large as it is aligned, and not a byte beside it; nullptr if there is none.
void* map_aligned(std::size_t bytes) noexcept {
  void* const all =
      mmap(nullptr, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(all);
  // The upper of two places that fit: the kernel maps downwards, and makes one mapping of
  // neighbours.
  const auto over = reinterpret_cast<std::uintptr_t>(all) & (bytes - 1);
  const std::size_t before = bytes - over;
  munmap(begin, before);
  if (over > 0) munmap(begin + before + bytes, over);
  if (bytes >> kHugePageShift != 0)
    madvise(begin + before, bytes, MADV_HUGEPAGE);  // If it cannot: small pages do as well.
  mapped.fetch_add(bytes, std::memory_order_relaxed);
  return begin + before;
}

void* allocate_slab(unsigned shift) noexcept {
  const std::size_t bytes = std::size_t{1} << shift;
  return shift >= kMappedShift ? map_aligned(bytes) : std::aligned_alloc(bytes, bytes);
}

void free_slab(void* slab, unsigned shift) noexcept {
  const std::size_t bytes = std::size_t{1} << shift;
  if (shift < kMappedShift) return std::free(slab);
  // A hole may be one mapping more than the system allows; what was in it can go all the same.
  if (munmap(slab, bytes) != 0) madvise(slab, bytes, MADV_DONTNEED);
  mapped.fetch_sub(bytes, std::memory_order_relaxed);
}

}  // namespace

/// Stands at the beginning of the slab.
struct alignas(64) EntryArena::Slab {
  EntryArena& arena;
  const SlabShift shift;
  /// Pieces, from the first one on, that have ever been given.
  std::uint32_t begun = 0;
  std::uint32_t used = 0;
  const std::uint32_t pieces;
  /// Of those that came back, the last.
  void* free = nullptr;
  Slab* previous = nullptr;
  Slab* next = nullptr;

  [[nodiscard]] bool is_full() const noexcept { return used == pieces; }
};

EntryArena::Handle EntryArena::open(std::size_t bytes, std::size_t alignment) {
  // Behind the header, which takes a line, each piece is aligned as its size is.
  const bool fits = alignment <= alignof(Slab) && bytes <= kLargestPiece;
  constexpr std::size_t kLink = sizeof(void*);
  const auto unit = std::max(alignment, kLink);
  return Handle(new EntryArena(fits ? (bytes + unit - 1) / unit * unit : 0));
}

std::uint64_t EntryArena::mapped_bytes() noexcept { return mapped.load(std::memory_order_relaxed); }

void EntryArena::expect(std::uint64_t entries) noexcept {
  const bool is_known = piece_ > 0 && entries < (std::uint64_t{1} << 40U);
  const std::lock_guard lock(mutex_);
  expected_bytes_ = is_known ? entries * piece_ : kUnknown;
}

// Each as large as all before it, until they are many: then by huge pages, unless what is still to
// come would not fill them.
EntryArena::SlabShift EntryArena::shift_of_next() const noexcept {
  constexpr std::uint64_t kHugePage = std::uint64_t{1} << kHugePageShift;
  auto most = std::max<std::uint64_t>(bytes_ / 4, 1);
  if (expected_bytes_ > bytes_ && expected_bytes_ != kUnknown) {
    most = expected_bytes_ - bytes_;
  } else if (expected_bytes_ <= bytes_) {  // A few more, mostly: by what slabs have beside pieces.
    most = std::clamp<std::uint64_t>(bytes_ - expected_bytes_, 1, most);
  }
  auto wanted = std::max<std::uint64_t>(bytes_ / 8, kHugePage);
  if (bytes_ < kFew) wanted = std::max<std::uint64_t>(bytes_, 1);
  const auto shift = static_cast<unsigned>(std::bit_width(std::min(wanted, most))) - 1;
  return static_cast<SlabShift>(std::clamp<unsigned>(shift, least_shift(), kLargestShift));
}

EntryArena::SlabShift EntryArena::least_shift() const noexcept {
  constexpr std::size_t kEntriesAtLeast = 8;
  return static_cast<SlabShift>(shift_that_holds(sizeof(Slab) + kEntriesAtLeast * piece_));
}

EntryArena::Slab& EntryArena::make_slab() {
  auto shift = shift_of_next();
  void* memory = allocate_slab(shift);
  if (memory == nullptr) {  // Memory for a few entries is more easily found.
    shift = least_shift();
    memory = allocate_slab(shift);
  }
  if (memory == nullptr) throw std::bad_alloc();
  const std::size_t bytes = std::size_t{1} << shift;
  const auto pieces = static_cast<std::uint32_t>((bytes - sizeof(Slab)) / piece_);
  auto* slab = ::new (memory) Slab{.arena = *this, .shift = shift, .pieces = pieces};
  ++slabs_;
  bytes_ += bytes;
  link(*slab);
  return *slab;
}

EntryArena::Place EntryArena::take() {
  if (piece_ == 0) return {nullptr, 0};
  const std::lock_guard lock(mutex_);
  Slab& slab = first_ != nullptr ? *first_ : make_slab();
  if (&slab == empty_) empty_ = nullptr;
  void* memory = slab.free;
  if (memory != nullptr) {
    slab.free = *static_cast<void**>(memory);  // See take_back().
  } else {
    memory = reinterpret_cast<std::byte*>(&slab + 1) + std::size_t{slab.begun++} * piece_;
  }
  ++slab.used;
  if (slab.is_full()) unlink(slab);
  return {memory, slab.shift};
}

void EntryArena::give(void* memory, SlabShift shift) noexcept {
  const auto mask = (std::uintptr_t{1} << shift) - 1;
  auto* const slab =
      static_cast<std::byte*>(memory) - (reinterpret_cast<std::uintptr_t>(memory) & mask);
  auto& owner = *std::launder(reinterpret_cast<Slab*>(slab));
  owner.arena.take_back(owner, memory);
}

void EntryArena::take_back(Slab& slab, void* memory) noexcept {
  std::unique_lock lock(mutex_);
  TARMAC_ASSERT(slab.used > 0);
  if (slab.is_full()) link(slab);
  ::new (memory) void*(slab.free);  // A free piece says which one is next.
  slab.free = memory;
  if (--slab.used > 0) return;
  Slab* dropped = nullptr;
  Slab* last = nullptr;
  if (closed_) {
    dropped = &slab;
  } else if (empty_ == nullptr) {
    empty_ = &slab;
  } else {
    dropped = &keep_one(slab, *empty_);
  }
  if (dropped != nullptr) remove(*dropped);
  const bool is_all = slabs_ == 1 && empty_ != nullptr;
  if (is_all && empty_->shift >= kMappedShift) {  // Who begins again begins with little.
    last = std::exchange(empty_, nullptr);
    remove(*last);
  }
  const bool ends = closed_ && slabs_ == 0;
  lock.unlock();
  for (Slab* one : {dropped, last}) {
    if (one != nullptr) free_slab(one, one->shift);
  }
  if (ends) delete this;
}

// The larger one, if it is a small part of all: what comes and goes may need it again at once.
EntryArena::Slab& EntryArena::keep_one(Slab& a, Slab& b) noexcept {
  constexpr std::uint64_t kSmallPart = 4;
  Slab& larger = a.shift > b.shift ? a : b;
  Slab& smaller = &larger == &a ? b : a;
  empty_ = bytes_of(larger.shift) <= bytes_ / kSmallPart ? &larger : &smaller;
  return empty_ == &larger ? smaller : larger;
}

void EntryArena::close() noexcept {
  std::unique_lock lock(mutex_);
  closed_ = true;
  Slab* const empty = std::exchange(empty_, nullptr);
  if (empty != nullptr) remove(*empty);
  const bool is_last = slabs_ == 0;
  lock.unlock();
  if (empty != nullptr) free_slab(empty, empty->shift);
  if (is_last) delete this;
}

void EntryArena::remove(Slab& slab) noexcept {
  unlink(slab);
  --slabs_;
  bytes_ -= bytes_of(slab.shift);
}

void EntryArena::link(Slab& slab) noexcept {
  slab.previous = nullptr;
  slab.next = first_;
  if (first_ != nullptr) first_->previous = &slab;
  first_ = &slab;
}

void EntryArena::unlink(Slab& slab) noexcept {
  (slab.previous != nullptr ? slab.previous->next : first_) = slab.next;
  if (slab.next != nullptr) slab.next->previous = slab.previous;
}

}  // namespace tarmac::internal
