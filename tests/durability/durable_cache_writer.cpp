// Writes to a durable cache from several threads until it is killed, and tells of each acknowledged
// change on its standard output: durable_cache_writer FOLDER always|interval|never START...
#include <tarmac/core/cache_manager.h>
#include <tarmac/durability/catalog.h>
#include <tarmac/strategies/catalog.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "writer_protocol.h"

namespace tarmac {
namespace {

using Cache = CacheManager<std::string, std::string>;

CacheOptions options_of(const std::string& folder, std::string_view mode) {
  CacheOptions options;
  auto& log = options.durability.emplace();
  log.directory = folder;
  log.sync = mode == "always"     ? SyncMode::always
             : mode == "interval" ? SyncMode::interval
                                  : SyncMode::never;
  log.interval = std::chrono::milliseconds(5);
  log.segment_bytes = 16U << 10U;
  log.compact_bytes = 64U << 10U;
  return options;
}

void write(Cache& cache, std::uint64_t thread, std::uint64_t change) {
  const auto key = writer::key_text(thread, writer::key_of(change));
  if (writer::erases(change)) {
    cache.erase(key);
  } else {
    cache.set(key, writer::value_text(change));
  }
  const writer::Acknowledgement told{thread, change};
  if (::write(STDOUT_FILENO, &told, sizeof told) != sizeof told) std::_Exit(1);
}

int run(const std::vector<std::string>& words) {
  Cache cache(options_of(words.at(1), words.at(2)));
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < writer::kThreads; ++thread) {
    const auto start = std::stoull(words.at(3 + thread));
    threads.emplace_back([&cache, thread, start] {
      for (auto change = start + 1;; ++change) {
        write(cache, thread, change);
        // Now and then by hand: a writer that is killed early would never compact.
        if (thread == 0 && change % 64 == 0) cache.compact();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  return 0;
}

}  // namespace
}  // namespace tarmac

int main(int argc, char** argv) {
  try {
    return tarmac::run({argv, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "durable_cache_writer: %s\n", error.what());
    return 1;
  }
}
