// What the program has allocated.
#pragma once

namespace tarmac::interview {

/// Bytes that malloc() has handed out and not got back; 0 under a sanitizer, whose malloc() is
/// another one.
[[nodiscard]] double heap_bytes() noexcept;

}  // namespace tarmac::interview
