// Makes the built-in journal and snapshot format known by name. Including this header is enough.
#pragma once

namespace tarmac {

/// Adds the journal "log" to journal_registry() and the format "tarmac" to
/// snapshot_format_registry(). May be called again; a program that replaces one of them registers
/// its own after this.
void register_built_in_durability();

namespace internal {
/// In a header, so that the linker keeps the catalog of a static library in a program that names
/// its parts only in a file.
inline const bool kBuiltInDurabilityRegistered = (register_built_in_durability(), true);
}  // namespace internal

}  // namespace tarmac
