#include "stop_signal.h"

#include <unistd.h>

#include <cerrno>

namespace tarmac::cli {

StopSignal::StopSignal() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

StopSignal::~StopSignal() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

void StopSignal::wait() const {
  int signal = 0;
  while (sigwait(&signals_, &signal) == EINTR) {
  }
}

void StopSignal::raise() const noexcept { kill(getpid(), SIGTERM); }

}  // namespace tarmac::cli
