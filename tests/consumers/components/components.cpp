// A program that asks for two components only.
#include <tarmac/core/cache_manager.h>
#include <tarmac/strategies/catalog.h>

int main() {
  tarmac::CacheOptions options;
  options.name = "numbers";
  options.max_entries = 1;
  options.eviction = "fifo";
  tarmac::CacheManager<int, int> cache(options);
  cache.set(1, 10);
  cache.set(2, 20);
  return cache.size() == 1 && cache.get(2) == 20 ? 0 : 1;
}
