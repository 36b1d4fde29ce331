// Finds a number by a hash: where an object is, or a ghost of a key that left.
#pragma once

#include <tarmac/core/assert.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace tarmac::internal {

/// A table from hashes to numbers (not 0). It keeps 32 bits of a hash, from which alone a number
/// can be moved; whether a hash is the right one its user tells, who has it whole.
///
/// Buckets of seven places, each of one cache line, at most four taken on average. What finds its
/// bucket full stands in the next one, and is counted in each that it passed: so a search ends at
/// the first bucket that nobody has passed, which is nearly always the first, and a removal leaves
/// nothing behind. All seven are compared at once, so that how a search goes does not depend on
/// where among them a number stands: branches that nobody can foresee cost more than the look-up.
///
/// - Memory: 16 to 32 bytes for each number. Only reserve() allocates.
/// - Cost: O(1) for all but reserve().
/// - Thread-safety: none.
class HashIndex {
 public:
  using Number = std::uint32_t;

  /// Makes room for so many, without touching memory that is not used yet. Throws std::bad_alloc.
  void reserve(std::uint64_t numbers);

  /// Whether one more fits without reserve().
  [[nodiscard]] bool has_room() const noexcept { return size_ < most_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  /// Fetches the memory in which `hash` is sought. Inlined, as whatever only passes this on must
  /// be: GCC finds that a call has no effect, and leaves it out.
  [[gnu::always_inline]] void prefetch(std::uint64_t hash) const noexcept {
    __builtin_prefetch(&buckets_[home_of(tag_of(hash))], 1);
  }
  /// A number whose hash may be `hash`, for fetching what belongs to it; 0 if none was found.
  [[nodiscard]] Number guess(std::uint64_t hash) const noexcept {
    const std::uint32_t tag = tag_of(hash);
    const Bucket& bucket = buckets_[home_of(tag)];
    const unsigned found = bucket.places_of(tag);
    return found == 0 ? 0 : bucket.numbers[place_in(found)];
  }
  /// The number for which `is_right(number)`, among those whose hash may be `hash`; 0 if there is
  /// none.
  template <class IsRight>
  [[nodiscard]] Number find(std::uint64_t hash, IsRight is_right) const noexcept {
    const std::uint32_t tag = tag_of(hash);
    for (std::uint64_t at = home_of(tag);; at = (at + 1) & mask_) {
      const Bucket& bucket = buckets_[at];
      for (unsigned found = bucket.places_of(tag); found != 0; found &= found - 1) {
        const Number number = bucket.numbers[place_in(found)];
        if (is_right(number)) return number;
      }
      if (bucket.passed == 0) return 0;
    }
  }

  /// Requires: has_room(), and no number is kept for this hash.
  void insert(std::uint64_t hash, Number number) noexcept {
    TARMAC_ASSERT(has_room());
    place(tag_of(hash), number);
    ++size_;
  }
  /// Forgets the number of `hash` for which `is_right(number)`, and returns it. Requires: there is
  /// one.
  template <class IsRight>
  Number erase(std::uint64_t hash, IsRight is_right) noexcept {
    const std::uint32_t tag = tag_of(hash);
    for (std::uint64_t at = home_of(tag);; at = (at + 1) & mask_) {
      Bucket& bucket = buckets_[at];
      for (unsigned found = bucket.places_of(tag); found != 0; found &= found - 1) {
        const Number number = bucket.numbers[place_in(found)];
        if (!is_right(number)) continue;
        bucket.taken &= ~(found & (0U - found));
        --size_;
        return number;
      }
      --bucket.passed;
    }
  }
  /// Requires: `number` was inserted for `hash`.
  void erase(std::uint64_t hash, Number number) noexcept {
    erase(hash, [number](Number each) { return each == number; });
  }
  /// Requires: `from` was inserted for `hash`, and `to` is not kept.
  void renumber(std::uint64_t hash, Number from, Number to) noexcept {
    const std::uint32_t tag = tag_of(hash);
    for (std::uint64_t at = home_of(tag);; at = (at + 1) & mask_) {
      Bucket& bucket = buckets_[at];
      for (unsigned found = bucket.places_of(tag); found != 0; found &= found - 1) {
        Number& number = bucket.numbers[place_in(found)];
        if (number != from) continue;
        number = to;
        return;
      }
    }
  }

 private:
  static constexpr unsigned kPlaces = 7;
  static constexpr unsigned kAllTaken = (1U << kPlaces) - 1;
  static constexpr std::uint64_t kTakenOnAverage = 4;

  struct alignas(64) Bucket {
    std::array<std::uint32_t, kPlaces> tags;
    std::uint32_t taken;  // A bit for each place.
    std::array<Number, kPlaces> numbers;
    std::uint32_t passed;  // By how many that stand further on.

    [[nodiscard]] unsigned places_of(std::uint32_t tag) const noexcept {
      unsigned same = 0;
#ifdef __SSE2__
      const auto* lanes = reinterpret_cast<const __m128i*>(this);
      const __m128i wanted = _mm_set1_epi32(static_cast<int>(tag));
      const __m128i first = _mm_cmpeq_epi32(_mm_load_si128(lanes), wanted);
      const __m128i second = _mm_cmpeq_epi32(_mm_load_si128(lanes + 1), wanted);
      const __m128i words = _mm_packs_epi32(first, second);
      same = static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(words, words)));
#else
      for (unsigned i = 0; i < kPlaces; ++i) same |= (tags[i] == tag ? 1U : 0U) << i;
#endif
      return same & taken;
    }
  };
  static_assert(sizeof(Bucket) == 64, "a look-up should touch one cache line");

  struct Free {
    void operator()(std::byte* memory) const noexcept { std::free(memory); }
  };

  static unsigned place_in(unsigned found) noexcept {
    return static_cast<unsigned>(std::countr_zero(found));
  }
  // Hashes may be weak in their low bits, or in all but these: the product depends on all of them.
  [[nodiscard]] static std::uint32_t tag_of(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>(((hash ^ (hash >> 32U)) * 0x9E37'79B9'7F4A'7C15U) >> 32U);
  }
  [[nodiscard]] std::uint64_t home_of(std::uint32_t tag) const noexcept {
    return std::uint64_t{tag} >> shift_;
  }

  void place(std::uint32_t tag, Number number) noexcept {
    std::uint64_t at = home_of(tag);
    for (; buckets_[at].taken == kAllTaken; at = (at + 1) & mask_) ++buckets_[at].passed;
    Bucket& bucket = buckets_[at];
    const unsigned free = place_in(~bucket.taken);
    bucket.tags[free] = tag;
    bucket.numbers[free] = number;
    bucket.taken |= 1U << free;
  }

  // Nothing is found here, and nothing fits.
  static Bucket none_;

  std::unique_ptr<std::byte, Free> memory_;
  Bucket* buckets_ = &none_;
  std::uint64_t mask_ = 0;
  std::uint64_t most_ = 0;
  std::uint64_t size_ = 0;
  unsigned shift_ = 32;
};

}  // namespace tarmac::internal
