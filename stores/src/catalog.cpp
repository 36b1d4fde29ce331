#include <tarmac/core/backing_store.h>
#include <tarmac/stores/catalog.h>
#include <tarmac/stores/file_store.h>
#include <tarmac/stores/memory_store.h>
#ifdef TARMAC_HAS_REDIS
#include <tarmac/stores/redis_store.h>
#endif
#ifdef TARMAC_HAS_SQLITE
#include <tarmac/stores/sqlite_store.h>
#endif

namespace tarmac {

void register_built_in_stores() {
  store_registry().add("memory", [](const Parameters&) { return internal::new_memory_store(); });
  store_registry().add("file", internal::new_file_store);
#ifdef TARMAC_HAS_REDIS
  store_registry().add("redis", internal::new_redis_store);
#endif
#ifdef TARMAC_HAS_SQLITE
  store_registry().add("sqlite", internal::new_sqlite_store);
#endif
}

}  // namespace tarmac
