// Every store keeps the contract, whichever way it is made.
#include <tarmac/stores/breaker_store.h>
#include <tarmac/stores/catalog.h>
#include <tarmac/stores/file_store.h>
#include <tarmac/stores/memory_store.h>
#ifdef TARMAC_HAS_SQLITE
#include <tarmac/stores/sqlite_store.h>
#endif
#include <tarmac/testing/backing_store_contract.h>
#include <tarmac/testing/faulty_store.h>

#include <memory>

#include "store_files.h"

namespace tarmac {
namespace {

[[maybe_unused]] const bool kRegistered = [] {
  testing::register_backing_store_contract("breaker",
                                           [] { return make_breaker_store(make_memory_store()); });
  testing::register_backing_store_contract("memory", make_memory_store);
  testing::register_backing_store_contract("memory_by_name", []() -> std::shared_ptr<BackingStore> {
    return store_registry().make("memory");
  });
  testing::register_backing_store_contract("file", [] {
    return in_scratch_folder([](const ScratchFolder& folder) {
      return make_file_store({.path = folder / "store.json"});
    });
  });
#ifdef TARMAC_HAS_SQLITE
  testing::register_backing_store_contract("sqlite", [] {
    return in_scratch_folder([](const ScratchFolder& folder) {
      return make_sqlite_store({.path = folder / "store.db"});
    });
  });
#endif
  // A decorator that is told nothing must change nothing.
  testing::register_backing_store_contract("faulty_without_faults", [] {
    return std::make_shared<testing::FaultyStore>(make_memory_store());
  });
  return true;
}();

}  // namespace
}  // namespace tarmac
