// The policy of a cache with nothing behind it.
#pragma once

#include <tarmac/core/write_policy.h>

#include <memory>

namespace tarmac {

/// Makes the policy named `none`: writes stay in the cache, and store() is null.
///
/// - Choose it for: values that can be computed or fetched again.
/// - Requires: on_write() is not called, since the policy has nowhere to write to.
[[nodiscard]] std::unique_ptr<WritePolicy> no_write_policy();

}  // namespace tarmac
