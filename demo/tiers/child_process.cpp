#include "child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <utility>

namespace tarmac::tiers_demo {

ChildProcess::ChildProcess(const std::vector<std::string>& words) : name_(words.front()) {
  std::array<int, 2> input{};
  std::array<int, 2> output{};
  if (::pipe2(input.data(), O_CLOEXEC) != 0 || ::pipe2(output.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipe for " + name_);
  }
  posix_spawn_file_actions_t actions{};
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  auto copies = words;
  std::vector<char*> raw;
  raw.reserve(copies.size() + 1);
  for (auto& word : copies) raw.push_back(word.data());
  raw.push_back(nullptr);
  const int failed = ::posix_spawnp(&pid_, raw[0], &actions, nullptr, raw.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(input[0]);
  ::close(output[1]);
  to_.reset(::fdopen(input[1], "w"));
  from_.reset(::fdopen(output[0], "r"));
  if (failed != 0) {
    pid_ = -1;
    throw std::runtime_error("cannot start " + name_ + "; is it installed?");
  }
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : name_(std::move(other.name_)),
      pid_(std::exchange(other.pid_, -1)),
      to_(std::move(other.to_)),
      from_(std::move(other.from_)) {}

ChildProcess::~ChildProcess() { kill(); }

void ChildProcess::tell(const std::string& line) {
  const auto text = line + "\n";
  if (std::fputs(text.c_str(), to_.get()) < 0 || std::fflush(to_.get()) != 0) {
    throw std::runtime_error(name_ + " is gone");
  }
}

std::string ChildProcess::hear() {
  std::string line;
  for (int one = std::fgetc(from_.get()); one != '\n'; one = std::fgetc(from_.get())) {
    if (one == EOF) throw std::runtime_error(name_ + " is gone");
    line += static_cast<char>(one);
  }
  return line;
}

void ChildProcess::send(int signal) const { ::kill(pid_, signal); }

void ChildProcess::kill() {
  if (pid_ <= 0) return;
  send(SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace tarmac::tiers_demo
