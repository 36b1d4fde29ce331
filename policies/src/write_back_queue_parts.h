// What the queue of write-back is told.
#pragma once

#include <tarmac/core/clock.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace tarmac::internal {

struct QueueSettings {
  std::int64_t loss_window = 0;
  std::size_t batch_max = 1;
  std::int64_t retry_initial = 1;
  std::int64_t retry_max = 1;
  std::uint64_t seed = 0;
};

/// Of a batch, or of a part of one.
struct QueueFailure {
  SteadyNanos now = 0;
  /// As in WriteBackQueue::take_for_round(), or 0.
  std::uint64_t round = 0;
  /// As in WriteBackQueue::lone_failures().
  std::uint64_t successes = 0;
  /// Without a pause: in smaller parts it may be taken.
  bool split_at_once = false;
  /// Each write is known to be bad by itself.
  bool each_alone = false;
  /// If it is condemned, why: it is later to be taken with others that are, and for good. It is
  /// not to be tried again, so there is no pause to double.
  std::shared_ptr<const std::string> condemned = nullptr;
};

}  // namespace tarmac::internal
