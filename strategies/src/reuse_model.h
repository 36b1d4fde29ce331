// Learns when keys come back, and ranks entries by how much room each hit of theirs would take.
// Internal to this room.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tarmac::internal {

/// Ages (requests since a key's last use) fall into bins whose bounds grow by the square root of 2
/// from 1/25 of the number of entries; keys fall into classes by what is known of them. For each
/// class and bin the model counts how many keys reached it and how many were used in it, also after
/// they had left the cache. From that follows the chance of a use in each bin, and for a key of any
/// age the best ratio of hits to be had to the time until then: its Gittins index.
///
/// - Cost: counting is O(1), and so is each step of a refresh, of which there is one for each
/// class.
/// - Thread-safety: none.
class ReuseModel {
 public:
  using Class = std::uint8_t;
  using Bin = std::uint8_t;

  static constexpr std::size_t kBins = 22;
  static constexpr std::size_t kClasses = 64;
  static constexpr std::size_t kCells = kClasses * kBins;

  /// Begins anew, for a cache of so many entries, or of so much weight and some entries.
  void reset(std::uint64_t entries, std::uint64_t weight = 0);
  /// The cache holds twice as many entries as was thought. What was learned is kept. False, with
  /// nothing changed, for more than 2^26: ages are then told as coarsely as for these.
  bool double_scale();
  /// For how many entries it is made.
  [[nodiscard]] std::uint64_t scale() const noexcept { return scale_; }

  /// The class of a key used `uses` times, the last time after an age in `last`, of such a weight.
  [[nodiscard]] Class class_of(std::uint32_t uses, Bin last, std::uint32_t weight) const noexcept;
  /// The class of a key that comes in, of which nothing else is known. Keys that come while the
  /// cache fills are told from those that are still new when it is full: what is popular comes
  /// early, and what comes late, as in a scan, would be judged by its luckier forerunners.
  [[nodiscard]] Class class_of_newcomer(bool is_early, std::uint32_t weight) const noexcept {
    return is_early || by_size_ ? class_of(1, 0, weight) : kLate;
  }
  /// The age at which a bin begins.
  [[nodiscard]] std::uint32_t begin(std::size_t bin) const noexcept { return begin_[bin]; }
  [[nodiscard]] Bin bin_of(std::uint32_t age) const noexcept {
    // Of ages with as many bits at most three bins begin: all are compared, as no branch could
    // foresee where to stop.
    const unsigned bin = first_[static_cast<unsigned>(std::bit_width(age))];
    return static_cast<Bin>(bin + (age > ends_[bin]) + (age > ends_[bin + 1]) +
                            (age > ends_[bin + 2]));
  }

  static std::size_t cell(Class of, std::size_t bin) noexcept { return of * kBins + bin; }

  /// So many keys have come to the beginning of a bin, unused; or were used in it.
  void count_reached(Class of, std::size_t bin, std::uint32_t keys = 1) noexcept {
    cells_[cell(of, bin)].reached += static_cast<float>(keys);
  }
  void count_used(Class of, std::size_t bin, std::uint32_t keys = 1) noexcept {
    cells_[cell(of, bin)].used += static_cast<float>(keys);
  }

  /// A key was used that had left at such an age: had old entries, of which nothing is known yet,
  /// not been kept in its place, it would have been a hit.
  void regret(std::uint32_t age) noexcept {
    if (age < 2 * scale_) trust_ -= trust_ * trust_step_;
  }
  /// An entry was used at an age of which little is known.
  void confirm(Class of, std::size_t bin) noexcept {
    if (cells_[cell(of, bin)].reached < kLittleKnown) trust_ += (1 - trust_) * trust_step_;
  }

  /// Brings index() up to date with the counts, which then fade a little.
  void refresh() {
    begin_refresh();
    while (!refresh_next()) continue;
  }
  /// The same in steps: true with the last one. Requires, for a step: one has begun and not ended.
  void begin_refresh();
  bool refresh_next();
  [[nodiscard]] bool is_refreshing() const noexcept { return refreshed_ < kClasses; }
  /// Hits for each request of waiting (and unit of weight) of a key of this class at the beginning
  /// of this bin.
  [[nodiscard]] float index(std::size_t cell) const noexcept { return index_[cell]; }

 private:
  struct Cell {
    float reached = 0;
    float used = 0;
  };
  static constexpr float kLittleKnown = 50;
  static constexpr Class kLate = kClasses - 1;

  static constexpr unsigned kSizes = 16;

  void set_bounds();
  /// On what a class leans while it has few observations.
  using Kin = std::size_t;
  static constexpr Kin kEarly = 0, kUnproven = 1, kKnown = 2, kKins = 3;
  [[nodiscard]] Kin kin_of(std::size_t of) const noexcept {
    if (of == kLate && !by_size_) return kUnproven;
    return of < (by_size_ ? kSizes : 1) ? kEarly : kKnown;
  }
  [[nodiscard]] float price(std::size_t of) const noexcept;
  /// By how many observations what is expected counts.
  [[nodiscard]] float weight_of_expected() const noexcept;
  void rank_class(std::size_t of);

  std::uint64_t scale_ = 0;
  bool by_size_ = false;
  unsigned smallest_size_ = 0;  // In bits; what is smaller counts as this.
  std::array<std::uint32_t, kBins + 1> begin_{};
  std::array<Bin, 33> first_{};                  // The bin of the lowest age with so many bits.
  std::array<std::uint32_t, kBins + 2> ends_{};  // The highest age of each bin.
  std::array<Cell, kCells> cells_{};
  std::array<float, kCells> index_{};
  std::array<std::array<float, kBins>, kKins> expected_{};  // Of the unproven nothing is.
  std::size_t refreshed_ = kClasses;
  float trust_ = 1;
  float trust_step_ = 0;
};

}  // namespace tarmac::internal
