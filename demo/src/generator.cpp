#include <tarmac/demo/generator.h>

#include <algorithm>
#include <cmath>

namespace tarmac::demo {

const std::vector<std::string>& KeyGenerator::distributions() {
  static const std::vector<std::string> names{"zipf", "uniform", "sequential"};
  return names;
}

KeyGenerator::KeyGenerator(const GeneratorOptions& options)
    : kind_(options.distribution == "uniform"      ? Kind::uniform
            : options.distribution == "sequential" ? Kind::sequential
                                                   : Kind::zipf),
      keys_(options.keys),
      random_(options.seed) {
  if (kind_ != Kind::zipf) return;
  sums_.reserve(keys_);
  double sum = 0;
  for (std::uint64_t rank = 1; rank <= keys_; ++rank) {
    sum += std::pow(static_cast<double>(rank), -options.skew);
    sums_.push_back(sum);
  }
}

double KeyGenerator::chance() {
  // Not std::uniform_real_distribution: each standard library has another one.
  return static_cast<double>(random_() >> 11U) * 0x1.0p-53;
}

std::uint64_t KeyGenerator::next() {
  switch (kind_) {
    case Kind::sequential:
      return position_++ % keys_ + 1;
    case Kind::uniform:
      return static_cast<std::uint64_t>(chance() * static_cast<double>(keys_)) + 1;
    case Kind::zipf:
      break;
  }
  const auto place = std::upper_bound(sums_.begin(), sums_.end(), chance() * sums_.back());
  const auto rank = static_cast<std::uint64_t>(place - sums_.begin()) + 1;
  return std::min(rank, keys_);  // Rounding could lead past the last sum.
}

}  // namespace tarmac::demo
