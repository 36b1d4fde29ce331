// A redis-server for an experiment: on a socket in a folder of its own, and gone with it.
#pragma once

#include <sys/types.h>
#include <tarmac/demo/scratch_folder.h>

#include <filesystem>
#include <string>

namespace tarmac::interview {

class RedisProcess {
 public:
  /// `program` is sought in PATH. It may still be starting when this returns.
  explicit RedisProcess(const std::string& program);
  RedisProcess(const RedisProcess&) = delete;
  RedisProcess& operator=(const RedisProcess&) = delete;
  /// Kills it.
  ~RedisProcess();

  /// False if there is no such program.
  [[nodiscard]] bool is_started() const noexcept { return process_ > 0; }
  [[nodiscard]] std::filesystem::path socket() const { return folder_.path() / "redis.sock"; }
  /// Stops it in its tracks, as a network that is cut does, or lets it go on.
  void hold(bool held) const;

 private:
  demo::ScratchFolder folder_;
  pid_t process_ = -1;
};

}  // namespace tarmac::interview
