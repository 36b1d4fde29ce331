// TARMAC_ASSERT: a broken invariant of the library ends the process, because going on would lose
// data.
#pragma once

namespace tarmac::internal {

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace tarmac::internal

/// Checked in every build unless TARMAC_NO_ASSERT is defined; keep expressions O(1).
#ifdef TARMAC_NO_ASSERT
// Compiled, so that what only an assertion uses is no unused variable, and never evaluated.
#define TARMAC_ASSERT(expression) static_cast<void>(false && (expression))
#else
#define TARMAC_ASSERT(expression)      \
  ((expression) ? static_cast<void>(0) \
                : ::tarmac::internal::assertion_failed(#expression, __FILE__, __LINE__))
#endif
