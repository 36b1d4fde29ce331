#include "keys.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <mutex>
#include <random>
#include <utility>

namespace tarmac::bench {
namespace {

constexpr double kSkew = 0.99;

/// Draws ranks by rejection from the integral of the density, which needs no table: Hörmann and
/// Derflinger, "Rejection-inversion to generate variates from monotone discrete distributions".
class Zipf {
 public:
  explicit Zipf(std::size_t ranks)
      : ranks_(static_cast<double>(ranks)),
        low_(integral(1.5) - 1),
        high_(integral(ranks_ + 0.5)),
        sure_(2 - inverse(integral(2.5) - density(2))) {}

  template <class Random>
  std::uint64_t operator()(Random& random) {
    while (true) {
      const double area = high_ + uniform_(random) * (low_ - high_);
      const double x = inverse(area);
      const double rank = std::clamp(std::round(x), 1.0, ranks_);
      if (rank - x <= sure_ || area >= integral(rank + 0.5) - density(rank)) {
        return static_cast<std::uint64_t>(rank) - 1;
      }
    }
  }

 private:
  static double density(double x) { return std::pow(x, -kSkew); }
  static double integral(double x) { return (std::pow(x, 1 - kSkew) - 1) / (1 - kSkew); }
  static double inverse(double area) { return std::pow(1 + area * (1 - kSkew), 1 / (1 - kSkew)); }

  double ranks_, low_, high_, sure_;
  std::uniform_real_distribution<double> uniform_{0, 1};
};

}  // namespace

Sizes& sizes() {
  static Sizes chosen;
  return chosen;
}

template <>
std::uint64_t key_of<std::uint64_t>(std::uint64_t rank) {
  std::uint64_t key = rank + 0x9E3779B97F4A7C15ULL;
  key = (key ^ (key >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  key = (key ^ (key >> 27U)) * 0x94D049BB133111EBULL;
  return key ^ (key >> 31U);
}

template <>
Text key_of<std::string>(std::uint64_t rank) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::uint64_t bits = key_of<std::uint64_t>(rank);
  Text key{};
  for (auto& digit : key.characters) {
    digit = kDigits[bits & 15U];
    bits >>= 4U;
  }
  return key;
}

template <class Key>
const std::vector<Request<Key>>& requests(std::size_t ranks) {
  static std::mutex mutex;
  static std::vector<Request<Key>> made;
  static std::size_t made_for = 0;
  const std::lock_guard lock(mutex);
  if (made_for != ranks) {
    const std::size_t count = 8 * std::bit_ceil(sizes().entries);
    std::mt19937_64 random(42);
    Zipf zipf(ranks);
    made.clear();
    made.reserve(count);
    while (made.size() < count) made.push_back(key_of<Key>(zipf(random)));
    made_for = ranks;
  }
  return made;
}
template const std::vector<std::uint64_t>& requests<std::uint64_t>(std::size_t ranks);
template const std::vector<Text>& requests<std::string>(std::size_t ranks);

const std::vector<std::uint32_t>& recent_ranks(std::size_t ranks, std::size_t entries) {
  static std::mutex mutex;
  static std::vector<std::uint32_t> made;
  static std::pair<std::size_t, std::size_t> made_for;
  const std::lock_guard lock(mutex);
  if (made_for != std::pair(ranks, entries)) {
    // From the last request backwards: each rank counts where it is met first.
    std::mt19937_64 random(7);
    Zipf zipf(ranks);
    std::vector<bool> met(ranks, false);
    made.clear();
    made.reserve(entries);
    while (made.size() < entries) {
      const auto rank = zipf(random);
      if (met[rank]) continue;
      met[rank] = true;
      made.push_back(static_cast<std::uint32_t>(rank));
    }
    std::reverse(made.begin(), made.end());
    made_for = {ranks, entries};
  }
  return made;
}

}  // namespace tarmac::bench
