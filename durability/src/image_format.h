// The bytes of an image's head, blocks and foot.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "image_file.h"

namespace tarmac::internal {

inline constexpr std::uint64_t kBlockHeaderBytes = 32;
/// A block is written when it has so many bytes; one with a large entry has more.
inline constexpr std::uint64_t kBlockBytes = 64ULL << 10U;
/// The fixed part of the head, before its names.
inline constexpr std::uint64_t kPreambleBytes = 56;
inline constexpr std::uint64_t kPreambleMost = 256ULL << 10U;

struct BlockHeader {
  std::uint32_t stored_bytes = 0;
  /// The same as stored_bytes: it is not packed.
  std::uint32_t raw_bytes = 0;
  std::uint32_t entries = 0;
  std::uint32_t payload_checksum = 0;
  /// 0 for the first.
  std::uint64_t index = 0;
  std::uint32_t checksum = 0;
};

[[nodiscard]] std::string encode_preamble(const ImagePreamble& preamble);
/// How long the whole head is, from its fixed part; nullopt if it is no head.
[[nodiscard]] std::optional<std::uint64_t> preamble_bytes(std::string_view fixed,
                                                          std::string& problem);
[[nodiscard]] std::optional<ImagePreamble> decode_preamble(std::string_view bytes,
                                                           std::string& problem);

[[nodiscard]] std::string encode_footer(ImageFooter& footer);
[[nodiscard]] std::optional<ImageFooter> decode_footer(std::string_view bytes);

/// Sets the header's checksum, too.
[[nodiscard]] std::string encode_block_header(BlockHeader& header, std::uint32_t seed);
[[nodiscard]] std::optional<BlockHeader> decode_block_header(std::string_view bytes,
                                                             std::uint32_t seed);

}  // namespace tarmac::internal
