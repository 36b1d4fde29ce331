#include <tarmac/core/hash.h>

#define XXH_INLINE_ALL  // Compiled in, so that users of the library need not link xxHash.
#include <xxhash.h>

#include <random>

namespace tarmac {

std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::uint64_t random_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32U) ^ device();
}

}  // namespace tarmac
