// One of the processes that share: a TieredCache, and what it is asked on standard input.
#pragma once

#include <filesystem>

namespace tarmac::tiers_demo {

/// Answers each line of standard input with one of standard output, until it ends:
/// `get K`, `read K N` (N times), `load K V`, `set K V`, `erase K`, `heard`, `stats`.
int run_worker(const std::filesystem::path& socket);

}  // namespace tarmac::tiers_demo
