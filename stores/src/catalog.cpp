#include <tarmac/core/backing_store.h>
#include <tarmac/stores/breaker_store.h>
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
  using internal::with_breaker;
  const auto memory = [](const Parameters&) { return internal::new_memory_store(); };
  store_registry().add("memory", with_breaker(memory));
  store_registry().add("file", with_breaker(internal::new_file_store));
#ifdef TARMAC_HAS_REDIS
  store_registry().add("redis", with_breaker(internal::new_redis_store));
#endif
#ifdef TARMAC_HAS_SQLITE
  store_registry().add("sqlite", with_breaker(internal::new_sqlite_store));
#endif
}

}  // namespace tarmac
