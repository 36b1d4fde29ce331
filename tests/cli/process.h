// Runs the program as a user does.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace tarmac::cli {

/// A running `tarmac`, whose output is read through pipes.
class Process {
 public:
  /// Its standard input is the file `input`.
  explicit Process(const std::vector<std::string>& arguments,
                   const std::string& input = "/dev/null");
  /// Ends it the hard way if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// The next line of the standard output, without its end; blocks until there is one. Empty also
  /// when the output has ended.
  [[nodiscard]] std::string read_line();
  void send(int signal) const;
  /// Reads both outputs to their ends, then waits. 128 and the signal if one ended it.
  int wait();

  [[nodiscard]] const std::string& out() const noexcept { return out_; }
  [[nodiscard]] const std::string& err() const noexcept { return err_; }

 private:
  pid_t pid_ = -1;
  int out_pipe_ = -1;
  int err_pipe_ = -1;
  std::string out_;
  std::string err_;
  /// Of out_, what read_line() has given.
  std::size_t read_ = 0;
};

struct Finished {
  int status;
  std::string out;
  std::string err;
};

[[nodiscard]] Finished run(const std::vector<std::string>& arguments,
                           const std::string& input = "/dev/null");

/// A file in a folder for temporary files, removed at the end.
class TestFile {
 public:
  explicit TestFile(const std::string& text);
  ~TestFile();
  TestFile(const TestFile&) = delete;
  TestFile& operator=(const TestFile&) = delete;

  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

/// `path` in the tree.
[[nodiscard]] std::string in_tree(const std::string& path);

}  // namespace tarmac::cli
