// What the durable stores keep for one key, and the checksum by which they know it again.
#pragma once

#include <tarmac/core/backing_store.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tarmac::internal {

/// One key's newest write. A removal stays as a row without a value, so that an older write cannot
/// bring the key back.
struct RowView {
  std::string_view key;
  std::optional<std::string_view> value;
  std::uint64_t stamp = 0;
  std::optional<WallNanos> expires_at;
};

/// Over all of the row, so that bytes which moved from one field to another are seen. Part of every
/// format: it never changes.
[[nodiscard]] std::uint64_t checksum_of(const RowView& row) noexcept;

[[nodiscard]] std::string hex16(std::uint64_t number);
/// Its 16 digits at `where`.
void put_hex16(char* where, std::uint64_t number) noexcept;
/// Empty unless `text` is what hex16() makes.
[[nodiscard]] std::optional<std::uint64_t> from_hex16(std::string_view text) noexcept;

/// The start of a key for a message: without control characters, and never long.
[[nodiscard]] std::string shown_key(std::string_view key);

[[nodiscard]] inline bool has_expired(const std::optional<WallNanos>& expires_at,
                                      WallNanos wall_now) noexcept {
  return expires_at && *expires_at <= wall_now;
}

}  // namespace tarmac::internal
