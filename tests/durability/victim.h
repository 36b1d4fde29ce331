// A program that writes until it is killed, and what must be there after that.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "writer_protocol.h"

namespace tarmac {

using Counts = std::array<std::uint64_t, writer::kThreads>;

/// Starts the writer, kills it after `count` acknowledgements, and reads what it told until then.
class Victim {
 public:
  Victim(const std::string& program, const std::string& folder, const std::string& mode,
         const Counts& start) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
    std::vector<std::string> words = {program, folder, mode};
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
inline void expect_all(const std::map<std::string, std::string>& content, Counts& counts) {
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

}  // namespace tarmac
