#include "reuse_model.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tarmac::internal {
namespace {

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
constexpr Expectation kOfNewcomers{3, 0.7F};
constexpr Expectation kOfKnownKeys{12, 2};

}  // namespace

void ReuseModel::reset(std::uint64_t entries, std::uint64_t weight) {
  by_size_ = weight != 0;
  const auto largest = static_cast<unsigned>(std::bit_width(weight));
  smallest_size_ = largest > kSizes + 1 ? largest - kSizes - 1 : 0;
  scale_ = std::clamp<std::uint64_t>(entries, 16, std::uint64_t{1} << 26U);
  cells_.fill({});
  index_.fill(0);
  trust_ = 1;
  set_bounds();
  refresh();
}

void ReuseModel::double_scale() {
  if (2 * scale_ > std::uint64_t{1} << 26U) return;
  scale_ *= 2;
  // Twice as far apart is two bins further.
  for (std::size_t of = 0; of < kClasses; ++of) {
    auto* const cells = &cells_[cell(static_cast<Class>(of), 0)];
    cells[0].used += cells[1].used + cells[2].used;
    for (std::size_t bin = 1; bin + 2 < kBins; ++bin) cells[bin] = cells[bin + 2];
    cells[kBins - 2] = {};
    cells[kBins - 1] = {};
  }
  set_bounds();
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
  trust_step_ = 1 / (1 + 0.1F * static_cast<float>(scale_));
}

void ReuseModel::refresh() {
  // Few observations are believed in part: the class leans on all classes of its kind, and these on
  // what is expected.
  const float weight = 50 + std::min(50.0F, 0.02F * static_cast<float>(scale_));
  std::array<std::array<float, kBins>, 2> expected{};
  for (std::size_t known = 0; known < 2; ++known) {
    const std::size_t begin = known != 0 ? newcomers() : 0;

    const float prior = (known != 0 ? kOfKnownKeys : kOfNewcomers).chance(trust_);
    const std::size_t end = known != 0 ? kClasses : newcomers();
    for (std::size_t bin = 0; bin < kBins; ++bin) {
      float reached = weight;
      float used = weight * prior;
      for (std::size_t of = begin; of < end; ++of) {
        reached += cells_[of * kBins + bin].reached;
        used += cells_[of * kBins + bin].used;
      }
      expected[known][bin] = std::min(1.0F, used / reached);
    }
  }
  for (std::size_t of = 0; of < kClasses; ++of) {
    // A class that nobody is in need not be ranked for the first time.
    if (cells_[of * kBins].reached == 0 && index_[of * kBins] != 0) continue;
    rank_class(of, expected[of < newcomers() ? 0 : 1], weight);
  }
  for (Cell& each : cells_) {
    each.reached *= kFade;
    each.used *= kFade;
  }
}

void ReuseModel::rank_class(std::size_t of, const std::array<float, kBins>& expected,
                            float weight) {
  std::array<float, kBins> chance{};
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    const Cell& seen = cells_[of * kBins + bin];
    chance[bin] = std::min(1.0F, (seen.used + weight * expected[bin]) / (seen.reached + weight));
  }
  std::array<float, kBins> width{};
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    width[bin] = static_cast<float>(begin_[bin + 1] - begin_[bin]) * (1 - chance[bin] / 2);
  }
  for (std::size_t first = 0; first < kBins; ++first) {
    float left = 1;
    float hits = 0;
    float time = 0;
    float best_hits = 0;
    float best_time = 1;
    for (std::size_t bin = first; bin < kBins; ++bin) {
      time += left * width[bin];
      hits += left * chance[bin];
      left *= 1 - chance[bin];
      // The better ratio, without a division.
      const bool is_better = hits * best_time > best_hits * time;
      best_hits = is_better ? hits : best_hits;
      best_time = is_better ? time : best_time;
    }
    index_[of * kBins + first] = best_hits / (best_time * price(of));
  }
}

}  // namespace tarmac::internal
