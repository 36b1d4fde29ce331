#include "lab/caches.h"

#include <tarmac/durability/catalog.h>
#include <tarmac/policies/catalog.h>
#include <tarmac/stores/catalog.h>
#include <tarmac/strategies/catalog.h>

namespace tarmac {

template class CacheManager<std::string, std::string>;
template class CacheManager<std::uint64_t, std::uint64_t>;

}  // namespace tarmac
