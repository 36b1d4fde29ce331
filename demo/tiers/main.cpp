// Three processes that share values through Redis: what each sees when another writes, dies, or
// when Redis stops. Starts a redis-server of its own on a socket in a new folder.
#include "child_process.h"
#include "worker.h"

#include <tarmac/core/clock.h>
#include <tarmac/demo/scratch_folder.h>

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace tarmac::tiers_demo {
namespace {

struct Counts {
  int hits = 0;
  int round_trips = 0;
  int source_calls = 0;
};

class Story {
 public:
  Story(const std::string& program, const std::string& server)
      : socket_(folder_.path() / "redis.sock"),
        redis_({server, "--port", "0", "--unixsocket", socket_.string(), "--save", "", "--dir",
                folder_.path().string(), "--logfile", (folder_.path() / "log").string()}) {
    for (int i = 0; i < 3; ++i) workers_.push_back(ChildProcess({program, "--worker", socket_}));
    for (int i = 0; i < 3; ++i) await(i, "heard", "yes");
  }

  /// Whether all went as it should.
  bool tell() {
    share();
    agree();
    survive_a_death();
    survive_a_stop();
    std::printf("\n%d checks, %d failed\n", checks_, failed_);
    return failed_ == 0;
  }

 private:
  static const char* name(int which) {
    static constexpr const char* kNames[] = {"A", "B", "C"};
    return kNames[which];
  }
  std::string ask(int which, const std::string& line) {
    auto answer = workers_.at(static_cast<std::size_t>(which)).ask(line);
    std::printf("  %s  %-22s %s\n", name(which), line.c_str(), answer.c_str());
    return answer;
  }
  void check(const std::string& what, bool holds) {
    ++checks_;
    if (!holds) ++failed_;
    std::printf("  %s %s\n", holds ? "ok    " : "FAILED", what.c_str());
  }
  /// Until it answers so; fails after a time that only a fault takes.
  void await(int which, const std::string& line, const std::string& wanted) {
    const auto& clock = *system_clock();
    const auto limit = deadline_after(clock.steady_now(), 10'000'000'000);
    std::string answer;
    do {
      answer = workers_.at(static_cast<std::size_t>(which)).ask(line);
      if (answer != wanted) std::this_thread::yield();
    } while (answer != wanted && clock.steady_now() < limit);
    check(std::string(name(which)) + " comes to \"" + line + "\": " + wanted, answer == wanted);
  }
  Counts counts(int which) {
    std::istringstream words(workers_.at(static_cast<std::size_t>(which)).ask("stats"));
    Counts counts;
    words >> counts.hits >> counts.round_trips >> counts.source_calls;
    return counts;
  }

  void share() {
    std::printf("\nWhat one process loads, the others need not.\n");
    check("A loads", ask(0, "load user:1 alice") == "alice");
    check("B has it from Redis", ask(1, "load user:1 unwanted") == "alice");
    check("C has it from Redis", ask(2, "load user:1 unwanted") == "alice");
    check("the source was asked once",
          counts(0).source_calls + counts(1).source_calls + counts(2).source_calls == 1);
    const auto before = counts(2);
    check("C reads it ten thousand times", ask(2, "read user:1 10000") == "alice");
    check("asking Redis once at most", counts(2).round_trips <= before.round_trips + 1);

    std::printf("\nAll three load a cold key at the same time.\n");
    for (int i = 0; i < 3; ++i) {
      workers_.at(static_cast<std::size_t>(i)).tell(std::string("load report of-") + name(i));
    }
    std::set<std::string> values;
    for (auto& worker : workers_) values.insert(worker.hear());
    check("they agree on \"" + *values.begin() + "\"", values.size() == 1);
  }

  void agree() {
    std::printf("\nWhat one process writes, the others see.\n");
    ask(1, "set user:1 bob");
    check("B at once", ask(1, "get user:1") == "bob");
    await(0, "get user:1", "bob");
    await(2, "get user:1", "bob");
    ask(2, "erase user:1");
    await(0, "get user:1", "(nothing)");
    await(1, "get user:1", "(nothing)");
  }

  void survive_a_death() {
    std::printf("\nC is killed. The others go on.\n");
    workers_.at(2).kill();
    ask(0, "set user:2 carol");
    await(1, "get user:2", "carol");
  }

  void survive_a_stop() {
    std::printf("\nRedis is stopped.\n");
    redis_.send(SIGSTOP);
    await(0, "heard", "no");
    check("A returns nothing that may be old", ask(0, "get user:2") == "(Redis does not answer)");
    check("A can still load", ask(0, "load user:2 of-the-source") == "of-the-source");
    std::printf("\nRedis goes on.\n");
    redis_.send(SIGCONT);
    await(0, "heard", "yes");
    await(0, "get user:2", "carol");
    await(1, "get user:2", "carol");
  }

  demo::ScratchFolder folder_;
  std::filesystem::path socket_;
  ChildProcess redis_;
  std::vector<ChildProcess> workers_;
  int checks_ = 0;
  int failed_ = 0;
};

int run(const std::vector<std::string>& words) {
  if (words.size() == 3 && words[1] == "--worker") return run_worker(words[2]);
  if (words.size() > 2 || (words.size() == 2 && words[1].starts_with('-'))) {
    std::printf("usage: %s [REDIS_SERVER]\nThree processes share values through Redis.\n",
                words[0].c_str());
    return words[1] == "--help" ? 0 : 2;
  }
  Story story(std::filesystem::read_symlink("/proc/self/exe"),
              words.size() == 2 ? words[1] : "redis-server");
  return story.tell() ? 0 : 1;
}

}  // namespace
}  // namespace tarmac::tiers_demo

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);  // A process that is gone is an error, not the end.
  try {
    return tarmac::tiers_demo::run({argv, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
