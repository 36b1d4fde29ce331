// A program that writes until it is killed, and what must be there after that.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "writer_protocol.h"

namespace tarmac {

using Counts = std::array<std::uint64_t, writer::kThreads>;

/// The writer, from its start to its death.
class Victim {
 public:
  /// `arguments`: what it writes through, the folder, the mode.
  Victim(const std::vector<std::string>& arguments, const Counts& start) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
    std::vector<std::string> words = {TARMAC_WRITER};
    words.insert(words.end(), arguments.begin(), arguments.end());
    for (const auto one : start) words.push_back(std::to_string(one));
    std::vector<char*> raw;
    for (auto& word : words) raw.push_back(word.data());
    raw.push_back(nullptr);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::close(ends[0]);
      ::close(ends[1]);
      ::execv(raw[0], raw.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    told_ = ends[0];
  }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;
  ~Victim() { ::close(told_); }

  /// Reads so many acknowledgements. False if it ended by itself before.
  bool read(std::uint64_t count, Counts& acknowledged) {
    bool alive = true;
    for (std::uint64_t i = 0; i < count && alive; ++i) alive = read_one(acknowledged);
    return alive;
  }
  /// Reads those that it has given by now.
  void read_given(Counts& acknowledged) const {
    int bytes = 0;
    if (::ioctl(told_, FIONREAD, &bytes) != 0) throw std::runtime_error("what is in the pipe?");
    for (auto left = static_cast<std::size_t>(bytes) / sizeof(writer::Acknowledgement); left > 0;
         --left) {
      if (!read_one(acknowledged)) return;
    }
  }
  /// Kills it, and reads what it told until then. False if it had ended by itself.
  bool kill(Counts& acknowledged) {
    ::kill(child_, SIGKILL);
    int status = 0;
    ::waitpid(child_, &status, 0);
    while (read_one(acknowledged)) continue;
    return WIFSIGNALED(status);
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

using Content = std::map<std::string, std::string>;

/// What came back, key by key.
struct Comparison {
  std::uint64_t there = 0;  ///< with the value that was acknowledged last
  std::uint64_t gone = 0;   ///< as was acknowledged
  /// As after the one change of its thread that was under way.
  std::uint64_t under_way = 0;
  std::uint64_t wrong = 0;  ///< anything else: lost, old, or never written

  [[nodiscard]] std::uint64_t keys() const { return there + gone + under_way + wrong; }
};

/// Compares every key of every thread. What was under way and came back counts as acknowledged from
/// then on.
inline Comparison compare(const Content& content, Counts& counts) {
  Comparison found;
  std::uint64_t present = 0;
  for (std::uint64_t thread = 0; thread < writer::kThreads; ++thread) {
    auto& count = counts.at(thread);
    bool went_on = false;
    for (std::uint64_t key = 0; key < writer::kKeys; ++key) {
      const auto at = content.find(writer::key_text(thread, key));
      const auto value = at == content.end() ? std::nullopt : std::optional(at->second);
      if (value) ++present;
      if (value == writer::value_after(count, key)) {
        ++(value ? found.there : found.gone);
      } else if (value == writer::value_after(count + 1, key)) {
        ++found.under_way;
        went_on = true;
      } else {
        ++found.wrong;
      }
    }
    if (went_on) ++count;
  }
  found.wrong += content.size() - present;  // Keys that nobody wrote.
  return found;
}

inline void expect_all(const Content& content, Counts& counts) {
  const auto found = compare(content, counts);
  ASSERT_EQ(found.wrong, 0U) << "of " << found.keys() << " keys";
}

}  // namespace tarmac
