// A program that writes is killed with -9 again and again, over the same folder.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <tarmac/durability/log.h>
#include <unistd.h>

#include <array>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "log_rig.h"
#include "scratch.h"
#include "writer_protocol.h"

namespace tarmac {
namespace {

using Counts = std::array<std::uint64_t, writer::kThreads>;

/// Starts the writer, kills it after `count` acknowledgements, and reads what it told until then.
class Victim {
 public:
  Victim(const std::string& folder, const std::string& mode, const Counts& start) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
    std::vector<std::string> words = {TARMAC_WRITER, folder, mode};
    for (const auto one : start) words.push_back(std::to_string(one));
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::close(ends[0]);
      ::close(ends[1]);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    told_ = ends[0];
  }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;
  ~Victim() { ::close(told_); }

  /// False if it ended by itself.
  bool kill_after(std::uint64_t count, Counts& acknowledged) {
    bool alive = true;
    for (std::uint64_t i = 0; i < count && alive; ++i) alive = read_one(acknowledged);
    ::kill(child_, SIGKILL);
    int status = 0;
    ::waitpid(child_, &status, 0);
    while (read_one(acknowledged)) continue;
    return alive && WIFSIGNALED(status);
  }

 private:
  bool read_one(Counts& acknowledged) const {
    writer::Acknowledgement one;
    if (::read(told_, &one, sizeof one) != sizeof one) return false;
    acknowledged.at(one.thread) = one.change;
    return true;
  }

  pid_t child_ = -1;
  int told_ = -1;
};

/// Each thread's keys must be as after what it was told, or after the one change under way.
void expect_all(const Replica& replica, Counts& counts) {
  const auto content = replica.content();
  const auto fits = [&](std::uint64_t thread, std::uint64_t changes) {
    for (std::uint64_t key = 0; key < writer::kKeys; ++key) {
      const auto found = content.find(writer::key_text(thread, key));
      const auto wanted = writer::value_after(changes, key);
      if (wanted.has_value() != (found != content.end())) return false;
      if (wanted && *wanted != found->second) return false;
    }
    return true;
  };
  for (std::uint64_t thread = 0; thread < writer::kThreads; ++thread) {
    if (!fits(thread, counts.at(thread))) {
      ++counts.at(thread);
      ASSERT_TRUE(fits(thread, counts.at(thread))) << "thread " << thread;
    }
  }
}

void kill_again_and_again(const std::string& mode) {
  const ScratchFolder folder;
  std::mt19937_64 chance(1);
  Counts counts{};
  std::uint64_t images = 0;
  std::uint64_t acknowledged = 0;
  const auto cycles = rounds(8, 1000);
  for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
    const auto before = counts;
    {
      Victim victim((folder / "log").string(), mode, counts);
      ASSERT_TRUE(victim.kill_after(1 + chance() % 500, counts));
    }
    for (std::size_t i = 0; i < counts.size(); ++i) acknowledged += counts.at(i) - before.at(i);
    DurabilityOptions options;
    options.directory = folder / "log";
    options.segment_bytes = 16U << 10U;
    const auto log = open_log(options);
    Replica replica;
    std::optional<ImageHeader> header;
    const auto report = log->recover([&](const JournalRecord& one) { replica.apply(one); }, header);
    images += report.image_entries > 0 ? 1U : 0U;
    ASSERT_NO_FATAL_FAILURE(expect_all(replica, counts)) << "cycle " << cycle;
  }
  EXPECT_GT(acknowledged, cycles);
  EXPECT_GT(images, 0U) << "the log was never compacted";
  std::printf("%s: %llu kills, %llu acknowledged, 0 lost\n", mode.c_str(),
              static_cast<unsigned long long>(cycles),
              static_cast<unsigned long long>(acknowledged));
}

TEST(LogKill, LosesNothingWhenEveryWriteIsSynced) { kill_again_and_again("always"); }
TEST(LogKill, LosesNothingWhenWritesAreSyncedInIntervals) { kill_again_and_again("interval"); }
TEST(LogKill, LosesNothingWhenWritesAreNeverSynced) { kill_again_and_again("never"); }

}  // namespace
}  // namespace tarmac
