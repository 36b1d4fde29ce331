// What most programs need, in one include: the cache, and every strategy, policy and store, the log
// and the format of snapshots by name.
// Observers, the configuration file, the simulator and the test kit have headers of their own.
#pragma once

#include <tarmac/core/cache_manager.h>
#include <tarmac/core/cache_registry.h>
#include <tarmac/core/command.h>
#include <tarmac/core/loaded.h>
#include <tarmac/core/make_key.h>
#include <tarmac/core/memoize.h>
#include <tarmac/core/snapshot.h>
#include <tarmac/durability/catalog.h>
#include <tarmac/policies/catalog.h>
#include <tarmac/policies/none.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/policies/write_through.h>
#include <tarmac/stores/catalog.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/strategies/catalog.h>
