// The policy that writes to the store before the cache shows a value.
#pragma once

#include <tarmac/core/write_policy.h>

#include <memory>

namespace tarmac {

/// Makes the policy named `write_through`: a write goes to `store` at once, in the caller's thread.
///
/// - Choose it for: values that must be stored when set() returns.
/// - Avoid it for: slow stores and frequent writes; each set() costs a round trip.
/// - Order: store first, cache second. A store that fails leaves both as they were, and set()
///   throws StoreError. The cache is therefore never newer than the store.
/// - Failures are counted, and told by the exception alone: on_write() calls nothing of its host.
/// - Exceptions: ConfigError for a null `store`.
[[nodiscard]] std::unique_ptr<WritePolicy> write_through(std::shared_ptr<BackingStore> store);

}  // namespace tarmac
