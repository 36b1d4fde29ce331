// Keys, values and requests, made before the clock starts and the same for everybody.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tarmac::bench {

/// How much there is of everything. Set by main() before anything is measured.
struct Sizes {
  /// Entries of a full cache; the workloads with evictions ask for ten times as many keys.
  std::size_t entries = 1'000'000;
  /// Shortest time of a cell, in seconds.
  double cell_seconds = 0.03;
  /// Requests that are timed one by one for the percentiles.
  std::size_t timed_requests = 300'000;
};
[[nodiscard]] Sizes& sizes();

/// Four requests for each entry, before resident reads are measured: by then what strategies
/// remember of hits changes as rarely as it will.
[[nodiscard]] inline std::size_t requests_to_settle() { return 4 * sizes().entries; }

/// A key of 16 characters as the list of requests holds it: in place, so that reading the list
/// costs no more than a streamed load.
struct Text {
  std::array<char, 16> characters;
  operator std::string_view() const { return {characters.data(), characters.size()}; }
};

/// What a cache with these keys is asked with.
template <class Key>
using Wanted = std::conditional_t<std::is_integral_v<Key>, std::uint64_t, std::string_view>;
/// How a list of requests holds it.
template <class Key>
using Request = std::conditional_t<std::is_integral_v<Key>, std::uint64_t, Text>;

/// The key of the `rank`-th most popular entry. Neighbours in rank are neighbours in nothing else:
/// a bijection scatters them over all 64 bits.
template <class Key>
[[nodiscard]] Request<Key> key_of(std::uint64_t rank);

/// A value for `key`: itself, or 64 characters.
[[nodiscard]] inline std::uint64_t value_of(std::uint64_t key) { return key; }
[[nodiscard]] inline std::string value_of(std::string_view key) {
  return std::string(64, key.front());
}

/// Requests, a power of two of them; the k-th most popular of `ranks` with a probability
/// proportional to 1/k^0.99. The same each time; kept until another number of ranks is asked for.
template <class Key>
[[nodiscard]] const std::vector<Request<Key>>& requests(std::size_t ranks);

/// The ranks that a cache of `entries` with an order of recency holds after very many requests of
/// other times, the one asked for last at the end.
[[nodiscard]] const std::vector<std::uint32_t>& recent_ranks(std::size_t ranks,
                                                             std::size_t entries);

}  // namespace tarmac::bench
