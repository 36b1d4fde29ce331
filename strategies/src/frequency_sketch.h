// Estimates how often keys were used lately, also those that are gone. Internal to this room.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <new>

namespace tarmac::internal {

/// A count-min sketch of four rows of 4-bit counters, 16 to 32 bytes for each entry it was made
/// for. A key's four counters lie in one cache line. After ten times as many uses as entries all
/// counters are halved, so that old uses fade.
///
/// Every member is O(1) but for reserve() and, once in a period, the halving.
class FrequencySketch {
 public:
  static constexpr std::uint32_t kMostCount = 15;

  FrequencySketch() { reserve(1); }

  /// Makes it fit for so many entries; keeps what it has counted. Never shrinks. Throws
  /// std::bad_alloc.
  void reserve(std::uint64_t entries) {
    const std::uint64_t lines = std::max<std::uint64_t>(std::bit_ceil(2 * entries) / 8, 1);
    if (lines > lines_) {
      auto larger = std::make_unique<Line[]>(lines);
      // A key's line in the larger table is one of those that its line becomes.
      for (std::uint64_t line = 0; line < lines && lines_ > 0; ++line) {
        larger[line] = table_[line & (lines_ - 1)];
      }
      table_ = std::move(larger);
      lines_ = lines;
    }
    entries_ = std::max(entries_, entries);
  }

  /// How many entries it is fit for.
  [[nodiscard]] std::uint64_t entries() const noexcept { return entries_; }

  void clear() noexcept {
    std::fill_n(table_.get(), lines_, Line{});
    uses_ = 0;
  }

  /// Whether so many uses could make all counts fade: then it matters when each is counted.
  [[nodiscard]] bool fades_within(std::uint32_t uses) const noexcept {
    return uses_ + uses >= kUsesForEachEntry * entries_;
  }

  void count(std::uint64_t hash, std::uint32_t uses) noexcept {
    const std::uint64_t mixed = mix(hash);
    Line& line = table_[mixed & (lines_ - 1)];
    std::uint64_t most_added = 0;
    for (unsigned row = 0; row < kRows; ++row) {
      const Place place = place_of(mixed, row);
      const std::uint64_t now = (line.words[place.word] >> place.shift) & kMostCount;
      const std::uint64_t added = std::min<std::uint64_t>(uses, kMostCount - now);
      line.words[place.word] += added << place.shift;
      most_added = std::max(most_added, added);
    }
    uses_ += most_added;
    if (uses_ >= kUsesForEachEntry * entries_) halve();
  }

  /// Fetches the memory in which the uses of `hash` are counted.
  [[gnu::always_inline]] void prefetch(std::uint64_t hash) const noexcept {
    __builtin_prefetch(&table_[mix(hash) & (lines_ - 1)], 1);
  }

  /// Up to kMostCount. Never too low but for what has faded.
  [[nodiscard]] std::uint32_t estimate(std::uint64_t hash) const noexcept {
    const std::uint64_t mixed = mix(hash);
    const Line& line = table_[mixed & (lines_ - 1)];
    std::uint64_t least = kMostCount;
    for (unsigned row = 0; row < kRows; ++row) {
      const Place place = place_of(mixed, row);
      least = std::min(least, (line.words[place.word] >> place.shift) & kMostCount);
    }
    return static_cast<std::uint32_t>(least);
  }

 private:
  static constexpr unsigned kRows = 4;
  static constexpr std::uint64_t kUsesForEachEntry = 10;

  struct alignas(64) Line {
    std::array<std::uint64_t, 8> words{};  // Two for each row, of 16 counters each.
  };
  struct Place {
    unsigned word;
    unsigned shift;
  };

  /// Hashes may be weak; a key's places shall depend on all bits of its own (as in splitmix64).
  [[nodiscard]] static std::uint64_t mix(std::uint64_t hash) noexcept {
    hash = (hash ^ (hash >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
    hash = (hash ^ (hash >> 27U)) * 0x94D0'49BB'1331'11EBU;
    return hash ^ (hash >> 31U);
  }

  /// The line comes from the low bits, so the places come from the high ones: five for each row.
  [[nodiscard]] static Place place_of(std::uint64_t mixed, unsigned row) noexcept {
    const auto bits = static_cast<unsigned>(mixed >> (64U - 5U * (row + 1U))) & 31U;
    return {2 * row + (bits >> 4U), (bits & 15U) * 4U};
  }

  void halve() noexcept {
    constexpr std::uint64_t kLowestBits = 0x1111'1111'1111'1111U;
    std::uint64_t odd = 0;
    for (std::uint64_t line = 0; line < lines_; ++line) {
      for (std::uint64_t& word : table_[line].words) {
        odd += static_cast<std::uint64_t>(std::popcount(word & kLowestBits));
        word = (word >> 1U) & ~(kLowestBits << 3U);
      }
    }
    // What rounding takes away is no longer there to fade.
    uses_ = (uses_ - std::min(uses_, odd / kRows)) / 2;
  }

  std::unique_ptr<Line[]> table_;
  std::uint64_t lines_ = 0;
  std::uint64_t entries_ = 0;
  std::uint64_t uses_ = 0;
};

}  // namespace tarmac::internal
