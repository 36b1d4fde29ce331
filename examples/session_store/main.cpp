// Sessions that change with every click, kept in SQLite: the cache answers at once, and the
// database gets the newest state of each session in batches.
#include <tarmac/stores/sqlite_store.h>
#include <tarmac/tarmac.h>

#include <cstdio>
#include <string>

using namespace std::chrono_literals;

struct Session {
  std::string page;
  int clicks = 0;
};

/// How a session becomes bytes: `clicks page`.
template <>
struct tarmac::Codec<Session> {
  static std::string encode(const Session& session) {
    return std::to_string(session.clicks) + " " + session.page;
  }
  static Session decode(std::string_view bytes) {
    const auto space = bytes.find(' ');
    if (space == std::string_view::npos) throw StoreError("this is no session: erase it");
    return {std::string(bytes.substr(space + 1)), std::stoi(std::string(bytes.substr(0, space)))};
  }
};

namespace {

using Sessions = tarmac::CacheManager<std::string, Session>;

tarmac::Weigher<std::string, Session> by_size() {
  return [](const std::string& key, const Session& session) {
    return key.size() + session.page.size() + sizeof(Session);
  };
}

tarmac::CacheOptions options() {
  tarmac::CacheOptions options;
  options.name = "sessions";
  options.max_entries = 100'000;
  options.default_ttl = 30min;
  options.read_through = true;  // A miss asks the database.
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::puts("Usage: session_store DATABASE"), 2;
  const auto database = tarmac::make_sqlite_store({.path = argv[1]});
  {
    Sessions sessions(options(), by_size());
    sessions.set_write_policy(tarmac::write_back(database, {.loss_window_max = 200ms}));
    for (int click = 1; click <= 1'000; ++click) {
      sessions.set("alice", {"page " + std::to_string(click), click});
    }
    const tarmac::FlushReport report = sessions.flush();
    const bool few = sessions.stats().flushed_writes < 100;
    std::printf("1000 clicks, %s writes of the database, %llu waiting\n",
                few ? "fewer than 100" : "too many",
                static_cast<unsigned long long>(report.still_dirty));
  }  // The destructor flushes, too.

  Sessions sessions(options(), by_size());  // As after a restart: empty, over the same database.
  sessions.set_write_policy(tarmac::write_back(database));
  if (const auto alice = sessions.get("alice")) {
    std::printf("after a restart: alice is at %s, %d clicks\n", alice->page.c_str(), alice->clicks);
  }
}
