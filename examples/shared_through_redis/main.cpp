// Prices that several processes share through Redis: what one has read stays with it until another
// one changes it.
#include <tarmac/stores/tiered_cache.h>
#include <tarmac/tarmac.h>

#include <iostream>
#include <string>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  if (argc != 2) return std::cerr << "Usage: shared_through_redis SOCKET\n", 2;
  tarmac::TieredOptions options;
  options.l1.name = "prices";
  options.l1.default_ttl = 1min;
  options.l2.server.unix_socket = argv[1];
  options.l2.server.prefix = "prices:";
  tarmac::TieredCache<std::string> prices(options);

  for (std::string word, item, price; std::cin >> word >> item;) {
    try {
      if (word == "set" && std::cin >> price) {
        prices.set(item, price);
        std::cout << "set" << std::endl;
      } else {
        const auto fetched = prices.stats().l2.fetched;
        const auto found = prices.get(item);
        const bool from_redis = prices.stats().l2.fetched > fetched;
        std::cout << found.value_or("none") << (from_redis ? " (from Redis)" : "") << std::endl;
      }
    } catch (const tarmac::StoreError& error) {
      std::cout << error.what() << std::endl;
    }
  }
}
