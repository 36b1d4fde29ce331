// A store in this process's memory: for tests and demos, and as the model of how a store behaves.
#pragma once

#include <tarmac/core/backing_store.h>

#include <memory>

namespace tarmac {

/// Makes an empty store named `memory`, with the whole contract of BackingStore.
///
/// - Thread-safety: 32 parts with a lock each. A batch locks the parts that it touches, all at
///   once, so neither a look-up in several parts nor image() sees half of it.
/// - Versions: a write older than the value of its key is passed over. So is one older than the
///   removal of its key, as long as that removal is among the last 2,048 of its part (65,536 in
///   all): a write that comes later than that many removals is taken for a new one.
/// - Expiry: load() returns nothing that has expired. The bytes stay until the key is written
///   again or removed; scan() and size() include them.
/// - Cost: image() and put_back() copy 32 pointers. The first write to a part after an image copies
///   that part.
/// - Exceptions: only std::bad_alloc, after which a part of the batch may have been applied.
[[nodiscard]] std::shared_ptr<BackingStore> make_memory_store();

namespace internal {
/// The same with one owner, as a factory of store_registry() has to return it.
[[nodiscard]] std::unique_ptr<BackingStore> new_memory_store();
}  // namespace internal

}  // namespace tarmac
