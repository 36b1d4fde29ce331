// Requests with a Zipf distribution, made before the clock starts.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace tarmac::bench {

/// `count` keys from [0, keys), the k-th most popular with a probability proportional to 1/k^skew;
/// popularity is scattered over the key space by a fixed permutation.
inline std::vector<std::uint64_t> zipf_requests(std::size_t keys, double skew, std::size_t count,
                                                std::uint64_t seed) {
  std::vector<double> cumulative(keys);
  double sum = 0;
  for (std::size_t k = 0; k < keys; ++k) {
    sum += std::pow(static_cast<double>(k + 1), -skew);
    cumulative[k] = sum;
  }
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> name_of(keys);
  for (std::size_t k = 0; k < keys; ++k) name_of[k] = k;
  std::shuffle(name_of.begin(), name_of.end(), std::mt19937_64(1));
  std::uniform_real_distribution<double> uniform(0, sum);
  std::vector<std::uint64_t> requests(count);
  for (auto& request : requests) {
    const auto found = std::lower_bound(cumulative.begin(), cumulative.end(), uniform(random));
    request = name_of[std::min<std::size_t>(static_cast<std::size_t>(found - cumulative.begin()),
                                            keys - 1)];
  }
  return requests;
}

}  // namespace tarmac::bench
