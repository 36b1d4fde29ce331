// Makes the built-in stores known by name. Including this header is enough.
#pragma once

namespace tarmac {

/// Adds the built-in stores to store_registry(). May be called again; a program that replaces a
/// built-in store registers its own after this.
void register_built_in_stores();

namespace internal {
/// In a header, so that the linker keeps the catalog of a static library in a program that names
/// its stores only in a file.
inline const bool kBuiltInStoresRegistered = (register_built_in_stores(), true);
}  // namespace internal

}  // namespace tarmac
