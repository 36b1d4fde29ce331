#include "crc32c.h"

#include <array>
#include <cstring>

#if defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace tarmac::internal {
namespace {

/// The polynomial 0x1EDC6F41, its bits reversed.
constexpr std::uint32_t kPolynomial = 0x82F63B78U;
constexpr std::size_t kSlices = 8;
using Tables = std::array<std::array<std::uint32_t, 256>, kSlices>;

constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kPolynomial : 0U);
    tables[0][byte] = crc;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const auto before = tables[slice - 1][byte];
      tables[slice][byte] = tables[0][before & 0xFFU] ^ (before >> 8U);
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

std::uint64_t word_at(const char* bytes) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::string_view bytes,
                                                               std::uint32_t crc) noexcept {
  std::uint64_t state = ~crc;
  while (bytes.size() >= sizeof(std::uint64_t)) {
    state = __builtin_ia32_crc32di(state, word_at(bytes.data()));
    bytes.remove_prefix(sizeof(std::uint64_t));
  }
  auto rest = static_cast<std::uint32_t>(state);
  for (const char byte : bytes) {
    rest = __builtin_ia32_crc32qi(rest, static_cast<unsigned char>(byte));
  }
  return ~rest;
}

bool has_instruction() noexcept { return __builtin_cpu_supports("sse4.2") != 0; }
#elif defined(__ARM_FEATURE_CRC32)
std::uint32_t by_instruction(std::string_view bytes, std::uint32_t crc) noexcept {
  std::uint32_t state = ~crc;
  while (bytes.size() >= sizeof(std::uint64_t)) {
    state = __crc32cd(state, word_at(bytes.data()));
    bytes.remove_prefix(sizeof(std::uint64_t));
  }
  for (const char byte : bytes) state = __crc32cb(state, static_cast<unsigned char>(byte));
  return ~state;
}

constexpr bool has_instruction() noexcept { return true; }
#else
std::uint32_t by_instruction(std::string_view bytes, std::uint32_t crc) noexcept {
  return crc32c_by_table(bytes, crc);
}

constexpr bool has_instruction() noexcept { return false; }
#endif

}  // namespace

std::uint32_t crc32c_by_table(std::string_view bytes, std::uint32_t crc) noexcept {
  std::uint32_t state = ~crc;
  while (bytes.size() >= kSlices) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < kSlices; ++i) {
      const auto byte = static_cast<unsigned char>(bytes[i]);
      const auto mixed = i < 4 ? (byte ^ (state >> (8U * i))) & 0xFFU : byte;
      next ^= kTables[kSlices - 1 - i][mixed];
    }
    state = next;
    bytes.remove_prefix(kSlices);
  }
  for (const char byte : bytes) {
    state = kTables[0][(state ^ static_cast<unsigned char>(byte)) & 0xFFU] ^ (state >> 8U);
  }
  return ~state;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc) noexcept {
  static const bool by_processor = has_instruction();
  return by_processor ? by_instruction(bytes, crc) : crc32c_by_table(bytes, crc);
}

}  // namespace tarmac::internal
