// A counter that survives kill -9: each step is on the disk before it is printed.
#include <tarmac/tarmac.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

int main(int argc, char** argv) {
  if (argc != 3) return std::puts("Usage: durable_counter FOLDER STEPS"), 2;
  tarmac::CacheOptions options;
  options.name = "counters";
  options.durability = tarmac::DurabilityOptions{.directory = argv[1]};
  tarmac::CacheManager<std::string, std::uint64_t> counters(options);  // Recovers what is there.

  for (long step = std::strtol(argv[2], nullptr, 10); step > 0; --step) {
    counters.compute("visits", [](std::optional<std::uint64_t> n) { return n.value_or(0) + 1; });
    std::printf("visit %llu\n", static_cast<unsigned long long>(*counters.get("visits")));
    std::fflush(stdout);
  }
}
