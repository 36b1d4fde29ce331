#include "lab/redis_process.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

namespace tarmac::interview {

RedisProcess::RedisProcess(const std::string& program) {
  std::vector<std::string> words{program,
                                 "--port",
                                 "0",
                                 "--unixsocket",
                                 socket(),
                                 "--save",
                                 "",
                                 "--daemonize",
                                 "no",
                                 "--dir",
                                 folder_.path(),
                                 "--logfile",
                                 (folder_.path() / "log").string()};
  std::vector<char*> raw;
  raw.reserve(words.size() + 1);
  for (auto& word : words) raw.push_back(word.data());
  raw.push_back(nullptr);
  if (::posix_spawnp(&process_, raw[0], nullptr, nullptr, raw.data(), environ) != 0) process_ = -1;
}

RedisProcess::~RedisProcess() {
  if (!is_started()) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

void RedisProcess::hold(bool held) const { ::kill(process_, held ? SIGSTOP : SIGCONT); }

}  // namespace tarmac::interview
