// Which process this is, asked so often that the system cannot be asked each time.
#pragma once

#include <sys/types.h>

namespace tarmac::internal {

/// As getpid(), from memory; fork() in any thread renews it in the child. Thread-safe.
[[nodiscard]] pid_t process_number() noexcept;

}  // namespace tarmac::internal
