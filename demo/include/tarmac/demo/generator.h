// Keys as a load asks for them, the same on every machine for the same seed.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac::demo {

struct GeneratorOptions {
  /// `zipf`, `uniform` or `sequential`.
  std::string distribution = "zipf";
  /// Keys are 1 to `keys`.
  std::uint64_t keys = 1'000;
  /// Of zipf: the key of rank r is asked for with a weight of 1 / r^skew.
  double skew = 0.99;
  std::uint64_t seed = 1;
};

/// - Cost: eight bytes for each key with zipf, none else; next() is O(log keys) with zipf.
/// - Thread-safety: not synchronised.
class KeyGenerator {
 public:
  explicit KeyGenerator(const GeneratorOptions& options);

  /// The next key.
  [[nodiscard]] std::uint64_t next();
  /// A number in [0, 1), for decisions beside the keys.
  [[nodiscard]] double chance();

  [[nodiscard]] static const std::vector<std::string>& distributions();

 private:
  enum class Kind : std::uint8_t { zipf, uniform, sequential };

  Kind kind_;
  std::uint64_t keys_;
  std::uint64_t position_ = 0;
  std::mt19937_64 random_;
  /// Of zipf: the sums of the weights up to each rank.
  std::vector<double> sums_;
};

}  // namespace tarmac::demo
