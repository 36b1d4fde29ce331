// The policy that writes past the cache.
#pragma once

#include <tarmac/core/write_policy.h>

#include <memory>

namespace tarmac {

/// Makes the policy named `write_around`: as write_through(), but what was written is not cached;
/// an older value of the key is dropped. The next look-up asks the store, if the cache reads
/// through.
///
/// - Choose it for: values that are written far more often than read, such as logs and imports.
/// - Avoid it for: values that are read soon after they were written.
/// - Order: store first, cache second. A store that fails leaves both as they were, and set()
///   throws StoreError.
/// - Exceptions: ConfigError for a null `store`.
[[nodiscard]] std::unique_ptr<WritePolicy> write_around(std::shared_ptr<BackingStore> store);

}  // namespace tarmac
