#include <tarmac/tarmac.h>

#include <string>

int main() {
  tarmac::CacheOptions options;
  options.name = "greetings";
  options.max_entries = 2;
  options.eviction = "lru";
  tarmac::CacheManager<std::string, std::string> cache(options);
  cache.set("en", "hello");
  cache.set("de", "hallo");
  cache.get("en");             // "de" is now the one not used for longest ...
  cache.set("fr", "bonjour");  // ... and leaves.
  return cache.contains("en") && !cache.contains("de") ? 0 : 1;
}
