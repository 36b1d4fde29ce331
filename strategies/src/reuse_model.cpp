#include "reuse_model.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace tarmac::internal {
namespace {

constexpr std::uint64_t kLargestScale = std::uint64_t{1} << 26U;
constexpr float kFirstBound = 0.04F;
constexpr float kGrowth = 1.41421356F;
/// How much of the counts is left after a refresh, of which there are 20 in the time it takes to
/// request each entry once.
constexpr float kFade = 0.985F;

/// What is expected of ages that no key has reached yet: that the chance to come back before the
/// age has grown by a factor f is 1 - f^-exponent.
struct Expectation {
  float with_trust;
  float without;

  [[nodiscard]] float chance(float trust) const {
    const float exponent = without + trust * (with_trust - without);
    return 1 - std::pow(kGrowth, -exponent);
  }
};
/// Nothing is sure: what would be left of a class if it were has no ratio of hits to time.
constexpr double kSurest = 0.9999;
constexpr Expectation kOfNewcomers{3, 0.7F};
constexpr Expectation kOfKnownKeys{12, 2};

}  // namespace

void ReuseModel::reset(std::uint64_t entries, std::uint64_t weight) {
  by_size_ = weight != 0;
  const auto largest = static_cast<unsigned>(std::bit_width(weight));
  smallest_size_ = largest > kSizes + 1 ? largest - kSizes - 1 : 0;
  scale_ = std::clamp<std::uint64_t>(entries, 16, kLargestScale);
  cells_.fill({});
  index_.fill(0);
  trust_ = 1;
  set_bounds();
  refresh();
}

bool ReuseModel::double_scale() {
  if (2 * scale_ > kLargestScale) return false;
  scale_ *= 2;
  refreshed_ = kClasses;  // One that is under way has expectations of other bins.
  // Twice as far apart is two bins further.
  for (std::size_t of = 0; of < kClasses; ++of) {
    auto* const cells = &cells_[cell(static_cast<Class>(of), 0)];
    cells[0].used += cells[1].used + cells[2].used;
    for (std::size_t bin = 1; bin + 2 < kBins; ++bin) cells[bin] = cells[bin + 2];
    cells[kBins - 2] = {};
    cells[kBins - 1] = {};
  }
  set_bounds();
  return true;
}

ReuseModel::Class ReuseModel::class_of(std::uint32_t uses, Bin last,
                                       std::uint32_t weight) const noexcept {
  const auto twos = static_cast<unsigned>(std::bit_width(std::max(uses, 1U) - 1));
  if (by_size_) {
    const auto bits = static_cast<unsigned>(std::bit_width(weight));
    const unsigned size = std::min(bits - std::min(bits, smallest_size_), kSizes - 1);
    return static_cast<Class>(std::min(twos, 3U) * kSizes + size);
  }
  if (twos == 0) return 0;
  constexpr unsigned kRhythms = 8;
  constexpr unsigned kBinsForOne = 3;
  return static_cast<Class>(1 + (std::min(twos, 6U) - 1) * kRhythms + last / kBinsForOne);
}

float ReuseModel::price(std::size_t of) const noexcept {
  if (!by_size_) return 1;
  return std::exp2(static_cast<float>(of % kSizes + smallest_size_));
}

void ReuseModel::set_bounds() {
  begin_[0] = 0;
  float bound = kFirstBound * static_cast<float>(scale_);
  for (std::size_t bin = 1; bin <= kBins; ++bin) {
    begin_[bin] = std::max(static_cast<std::uint32_t>(bound), begin_[bin - 1] + 1);
    bound *= kGrowth;
  }
  ends_.fill(std::numeric_limits<std::uint32_t>::max());
  for (std::size_t bin = 0; bin + 1 < kBins; ++bin) ends_[bin] = begin_[bin + 1] - 1;
  Bin bin = 0;
  for (unsigned bits = 1; bits < first_.size(); ++bits) {
    while (bin + 1U < kBins && std::uint32_t{1} << (bits - 1) >= begin_[bin + 1U]) ++bin;
    first_[bits] = bin;
  }
  trust_step_ = 1 / (1 + 0.1F * static_cast<float>(scale_));
}

float ReuseModel::weight_of_expected() const noexcept {
  return 50 + std::min(50.0F, 0.02F * static_cast<float>(scale_));
}

// Few observations are believed in part: the class leans on all classes of its kind, and these on
// what is expected.
void ReuseModel::begin_refresh() {
  refreshed_ = 0;
  std::array<std::array<Cell, kBins>, kKins> of_kin{};
  for (std::size_t of = 0; of < kClasses; ++of) {
    auto& sum = of_kin[kin_of(of) == kKnown ? kKnown : kEarly];
    for (std::size_t bin = 0; bin < kBins; ++bin) {
      sum[bin].reached += cells_[of * kBins + bin].reached;
      sum[bin].used += cells_[of * kBins + bin].used;
    }
  }
  const float weight = weight_of_expected();
  for (const Kin kin : {kEarly, kKnown}) {
    const float prior = (kin == kKnown ? kOfKnownKeys : kOfNewcomers).chance(trust_);
    for (std::size_t bin = 0; bin < kBins; ++bin) {
      const Cell& seen = of_kin[kin][bin];
      expected_[kin][bin] = std::min(1.0F, (seen.used + weight * prior) / (seen.reached + weight));
    }
  }
}

bool ReuseModel::refresh_next() {
  const std::size_t of = refreshed_++;
  // A class that nobody is in need not be ranked for the first time.
  if (cells_[of * kBins].reached != 0 || index_[of * kBins] == 0) rank_class(of);
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    cells_[of * kBins + bin].reached *= kFade;
    cells_[of * kBins + bin].used *= kFade;
  }
  return refreshed_ == kClasses;
}

void ReuseModel::rank_class(std::size_t of) {
  const auto& expected = expected_[kin_of(of)];
  const float weight = weight_of_expected();
  std::array<double, kBins> chance{};
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    const Cell& seen = cells_[of * kBins + bin];
    const float likely = (seen.used + weight * expected[bin]) / (seen.reached + weight);
    chance[bin] = std::min(static_cast<double>(likely), kSurest);
  }
  // The best ratio is the steepest line from a point to a later one, where the points are what will
  // have passed and what will have been hit: found from the end, by joining what is less steep than
  // what follows it.
  struct Stretch {
    double time;
    double hits;
  };
  std::array<Stretch, kBins> alone{};
  double left = 1;
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    const double width = static_cast<double>(begin_[bin + 1] - begin_[bin]);
    alone[bin] = {left * width * (1 - chance[bin] / 2), left * chance[bin]};
    left *= 1 - chance[bin];
  }
  std::array<Stretch, kBins> steeper{};
  std::size_t count = 0;
  for (std::size_t bin = kBins; bin-- > 0;) {
    Stretch joined = alone[bin];
    while (count > 0 &&
           joined.hits * steeper[count - 1].time < steeper[count - 1].hits * joined.time) {
      --count;
      joined.time += steeper[count].time;
      joined.hits += steeper[count].hits;
    }
    steeper[count++] = joined;
    index_[of * kBins + bin] =
        static_cast<float>(joined.hits / (joined.time * static_cast<double>(price(of))));
  }
}

}  // namespace tarmac::internal
