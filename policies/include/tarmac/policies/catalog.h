// Makes the built-in write policies known by name. Including this header is enough.
#pragma once

namespace tarmac {

/// Adds the built-in policies to write_policy_registry(). May be called again; a program that
/// replaces a built-in policy registers its own after this.
void register_built_in_write_policies();

namespace internal {
/// In a header, so that the linker keeps the catalog of a static library in a program that names
/// its policies only in a file.
inline const bool kBuiltInWritePoliciesRegistered = (register_built_in_write_policies(), true);
}  // namespace internal

}  // namespace tarmac
