// The tests every backing store must pass, the built-in ones and yours.
#pragma once

#include <tarmac/core/backing_store.h>

#include <functional>
#include <memory>
#include <string_view>

namespace tarmac::testing {

/// Makes a new, empty store for each test.
using StoreFactory = std::function<std::shared_ptr<BackingStore>()>;

/// Registers the suite `BackingStoreContract/<name>` with GoogleTest. Call it before
/// RUN_ALL_TESTS(), for example at namespace scope. Returns true.
///
/// What the suite holds a store to: it gives back the bytes it was given, whatever they are; a
/// removal removes; the newest stamp of a key wins in any order, against a removal too; a batch is
/// applied in its order; what has expired is not loaded; load_many() answers like load(); scan()
/// and size() tell the same; threads lose nothing; an image is one moment, even between the writes
/// of a batch, and put_back() makes it the content again. The last are passed over if image() is
/// null.
bool register_backing_store_contract(std::string_view name, const StoreFactory& make);

}  // namespace tarmac::testing
