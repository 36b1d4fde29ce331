// Redis, poll() and people count in milliseconds, Tarmac in nanoseconds.
#pragma once

#include <cstdint>

namespace tarmac::internal {

inline constexpr std::int64_t kNanosInMilli = 1'000'000;

}  // namespace tarmac::internal
