// A process of ours that is asked line by line.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace tarmac::tiers_demo {

/// Throws std::runtime_error for what cannot be started, and when the process does not answer.
class ChildProcess {
 public:
  /// `words`: the program, sought in PATH, and its arguments.
  explicit ChildProcess(const std::vector<std::string>& words);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  /// Kills it, if it still runs.
  ~ChildProcess();

  void tell(const std::string& line);
  /// The next line that it writes.
  [[nodiscard]] std::string hear();
  [[nodiscard]] std::string ask(const std::string& line) {
    tell(line);
    return hear();
  }
  void send(int signal) const;
  void kill();

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;

  std::string name_;
  pid_t pid_ = -1;
  File to_;
  File from_;
};

}  // namespace tarmac::tiers_demo
