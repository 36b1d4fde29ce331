#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <stdexcept>

namespace tarmac::cli {
namespace {

/// Appends what can be read without waiting for more. False at the end.
bool read_some(int pipe, std::string& text) {
  std::array<char, 4096> buffer{};
  const auto got = read(pipe, buffer.data(), buffer.size());
  if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
  return got > 0;
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, const std::string& input) {
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (pipe(out.data()) != 0 || pipe(err.data()) != 0) throw std::runtime_error("no pipe");
  std::vector<std::string> words{TARMAC_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("no process");
  if (pid_ == 0) {
    const int in = open(input.c_str(), O_RDONLY);
    dup2(in, STDIN_FILENO);
    if (in > STDERR_FILENO) close(in);
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    for (const int one : {out[0], out[1], err[0], err[1]}) close(one);
    execv(TARMAC_PROGRAM, pointers.data());
    _exit(127);
  }
  close(out[1]);
  close(err[1]);
  out_pipe_ = out[0];
  err_pipe_ = err[0];
}

Process::~Process() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(out_pipe_);
  close(err_pipe_);
}

std::string Process::read_line() {
  for (;;) {
    const auto end = out_.find('\n', read_);
    if (end != std::string::npos) {
      auto line = out_.substr(read_, end - read_);
      read_ = end + 1;
      return line;
    }
    if (!read_some(out_pipe_, out_)) return {};
  }
}

void Process::send(int signal) const { kill(pid_, signal); }

int Process::wait() {
  std::array<pollfd, 2> pipes{{{out_pipe_, POLLIN, 0}, {err_pipe_, POLLIN, 0}}};
  while (pipes[0].fd >= 0 || pipes[1].fd >= 0) {
    if (poll(pipes.data(), pipes.size(), -1) < 0) break;
    if (pipes[0].revents != 0 && !read_some(out_pipe_, out_)) pipes[0].fd = -1;
    if (pipes[1].revents != 0 && !read_some(err_pipe_, err_)) pipes[1].fd = -1;
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Finished run(const std::vector<std::string>& arguments, const std::string& input) {
  Process process(arguments, input);
  const int status = process.wait();
  return {status, process.out(), process.err()};
}

TestFile::TestFile(const std::string& text) {
  auto pattern = (std::filesystem::temp_directory_path() / "tarmac-cli-XXXXXX.yaml").string();
  const int file = mkstemps(pattern.data(), 5);
  if (file < 0) throw std::runtime_error("cannot make " + pattern);
  close(file);
  path_ = pattern;
  std::ofstream(path_, std::ios::binary) << text;
}

TestFile::~TestFile() {
  std::error_code ignored;  // What is left lies in the folder for temporary files.
  std::filesystem::remove(path_, ignored);
}

std::string in_tree(const std::string& path) { return TARMAC_SOURCE_DIR "/" + path; }

}  // namespace tarmac::cli
