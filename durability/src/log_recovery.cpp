// How a log is read when it is opened, and made ready to go on.
#include <tarmac/core/error.h>

#include "log.h"
#include "log_reader.h"

namespace tarmac::internal {

RecoveryReport Log::recover(const Visit& visit, std::optional<ImageHeader>& header) {
  refuse_other_process();
  if (recovered_) throw UsageError("a journal is recovered once");
  const auto begun = environment_.clock->steady_now();
  folder_.load();
  RecoveryReport report;
  JournalPosition written = 0;
  {
    const auto manifest = folder_.manifest();
    LogReader reader(folder_.files(), manifest, environment_.weakness);
    reader.read(visit);
    header = reader.header();
    report = reader.report();
    if (!reader.torn().empty()) folder_.keep_evidence(reader.torn_name(), reader.torn());
    auto again = reader.unsafe_end();
    written = again.empty() ? reader.last() : again.first - 1;
    if (!writer_.start(written, std::move(again), reader.safe_bytes())) {
      throw DurabilityError(writer_.problem() +
                            "; the log is as it was: open it again when that is mended");
    }
    image_bytes_ = reader.image_bytes();
  }
  folder_.sweep();
  {
    const Lock lock(mutex_);
    appended_ = writer_.written();
    changes_ = appended_;
    taken_ = appended_;
    marked_ = written;  // Of what was written again, a mark is still to say that it is durable.
    durable_ = writer_.durable();
    publish_state();
    recovered_ = true;
  }
  start_chores();
  report.elapsed = std::chrono::nanoseconds(environment_.clock->steady_now() - begun);
  return report;
}

}  // namespace tarmac::internal
