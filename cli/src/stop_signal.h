// Waiting for Ctrl-C, without a handler that interrupts anything.
#pragma once

#include <csignal>

namespace tarmac::cli {

/// Holds SIGINT and SIGTERM back from its thread, and from those started meanwhile, for wait().
/// Thread-safety: raise() from any thread.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  /// Returns when one of the signals comes, or came since the constructor.
  void wait() const;
  /// Makes wait() return.
  void raise() const noexcept;

 private:
  sigset_t signals_{};
  sigset_t before_{};
};

}  // namespace tarmac::cli
