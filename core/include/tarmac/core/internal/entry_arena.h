// Memory for the entries of a shard, in slabs that lie on huge pages where there are many: an order
// is a list through all of memory, and with small pages nearly each step of it would also miss in
// the processor's table of pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#if defined(__SANITIZE_ADDRESS__)
#define TARMAC_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(leak_sanitizer)
#define TARMAC_ADDRESS_SANITIZER 1
#endif
#endif

namespace tarmac::internal {

/// With the address sanitizer each entry is asked of malloc(), which then knows of each whether it
/// may be used, and whether anybody knows it.
#ifdef TARMAC_ADDRESS_SANITIZER
inline constexpr bool kEntriesLieInSlabs = false;
#else
inline constexpr bool kEntriesLieInSlabs = true;
#endif

/// Gives memory for entries of one size, and takes it back, from any thread. A slab that has
/// become empty goes back to the system, but for one while others are in use. The first slabs are
/// small.
///
/// - Ownership: the shard's handle; entries that outlive the shard (a snapshot has them, or an
///   event) keep their slabs, and what is left of the arena.
/// - Cost: O(1), under a lock of its own that is held for some ten instructions; now and then a
///   slab is asked for, or given back.
/// - Source: J. Bonwick, "The slab allocator", USENIX Summer 1994.
class EntryArena {
 public:
  /// Of what take() gives: by how many bits to find its slab. 0: it is of no slab.
  using SlabShift = std::uint8_t;
  struct Place {
    void* memory;
    SlabShift shift;
  };
  struct Close {
    void operator()(EntryArena* arena) const noexcept { arena->close(); }
  };
  using Handle = std::unique_ptr<EntryArena, Close>;

  /// For entries of so many bytes; of 0, and of more than fit, it has none to give (the place is of
  /// no slab). Throws std::bad_alloc, as take() does.
  [[nodiscard]] static Handle open(std::size_t bytes, std::size_t alignment);
  [[nodiscard]] Place take();
  /// How many entries there will be at most: no more slabs than they need are asked for at once.
  void expect(std::uint64_t entries) noexcept;
  static void give(void* memory, SlabShift shift) noexcept;

  /// Of all arenas of the process, in slabs that were not asked of malloc().
  [[nodiscard]] static std::uint64_t mapped_bytes() noexcept;

  EntryArena(const EntryArena&) = delete;
  EntryArena& operator=(const EntryArena&) = delete;

 private:
  struct Slab;
  static constexpr std::uint64_t kUnknown = ~std::uint64_t{0};

  explicit EntryArena(std::size_t piece) noexcept : piece_(piece) {}
  ~EntryArena() = default;
  void close() noexcept;
  void take_back(Slab& slab, void* memory) noexcept;
  Slab& make_slab();
  void link(Slab& slab) noexcept;
  void unlink(Slab& slab) noexcept;
  /// From the list and the sums.
  void remove(Slab& slab) noexcept;
  /// Of two empty ones. Gives the other.
  Slab& keep_one(Slab& a, Slab& b) noexcept;
  [[nodiscard]] SlabShift shift_of_next() const noexcept;
  [[nodiscard]] SlabShift least_shift() const noexcept;

  const std::size_t piece_;
  std::mutex mutex_;
  /// Those with a free piece.
  Slab* first_ = nullptr;
  /// One of them that is empty, kept for what comes next.
  Slab* empty_ = nullptr;
  std::size_t slabs_ = 0;
  std::uint64_t bytes_ = 0;
  /// What the slabs have to come to at most, as far as that is known.
  std::uint64_t expected_bytes_ = kUnknown;
  /// The shard has gone: the last slab takes the arena along.
  bool closed_ = false;
};

}  // namespace tarmac::internal
