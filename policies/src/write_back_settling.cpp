// How writes that were in flight leave the queue, or come back into it. Nothing here may fail for
// want of memory, or they would be lost: all of it was asked for when the batch was put into
// flight.
#include <tarmac/core/assert.h>

#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <utility>

#include "write_back_queue.h"

namespace tarmac::internal {
namespace {

/// How much smaller a failed batch becomes: 256 writes are tried as 16 times 16, then one by one.
constexpr std::size_t kSplit = 16;

}  // namespace

void WriteBackQueue::land(Batch& batch) noexcept { std::erase(flying_, &batch); }

bool WriteBackQueue::settle_some(Batch& batch, std::size_t count) noexcept {
  const auto end = std::min(batch.slots_.size(), batch.settled_ + count);
  for (; batch.settled_ < end; ++batch.settled_) {
    Slot& slot = *batch.slots_[batch.settled_];
    slot.flying = nullptr;
    if (slot.failures != 0) failed_since_.erase(slot.flying_ticket);
    if (!slot.waiting) {
      drop_slot(slot);
      continue;
    }
    // A newer write came meanwhile: it starts with a clean record, at the time it came.
    slot.failures = 0;
    slot.lone_failures = 0;
    slot.batch_max = settings_.batch_max;
    fresh_nodes_.put(returned_, slot.ticket, &slot);
    late_.add(slot.ticket, slot.since);
  }
  if (batch.settled_ < batch.slots_.size()) return false;
  land(batch);
  return true;
}

std::span<const StoreWrite> WriteBackQueue::set_apart(Batch& batch,
                                                      std::span<const std::string> keys) {
  const std::unordered_set<std::string_view> named(keys.begin(), keys.end());
  const auto is_named = [&](std::size_t i) { return named.contains(batch.writes_[i].key); };
  const auto size = batch.writes_.size();
  std::vector<StoreWrite> writes;
  writes.reserve(size);  // They must not move once they are pointed into.
  std::vector<Slot*> slots;
  slots.reserve(size);
  std::vector<std::size_t> apart;
  for (std::size_t i = 0; i < size; ++i) {
    if (is_named(i)) apart.push_back(i);
  }
  // Memory cannot run out from here on.
  const auto move = [&](std::size_t i) {
    writes.push_back(std::move(batch.writes_[i]));
    slots.push_back(batch.slots_[i]);
    slots.back()->flying = &writes.back();
  };
  auto next = apart.begin();
  for (std::size_t i = 0; i < size; ++i) {
    if (next != apart.end() && *next == i) {
      ++next;
    } else {
      move(i);
    }
  }
  std::ranges::for_each(apart, move);
  batch.writes_ = std::move(writes);
  batch.slots_ = std::move(slots);
  return std::span<const StoreWrite>(batch.writes_).last(apart.size());
}

void WriteBackQueue::settle_last_failed(Batch& batch, std::size_t count,
                                        const Failure& failure) noexcept {
  const auto size = batch.slots_.size();
  const auto slots = std::span(batch.slots_).last(count);
  const auto writes = std::span(batch.writes_).last(count);
  const bool alone = count == 1 || failure.each_alone;
  const auto next_batch_max = alone ? 1 : std::max<std::size_t>(1, count / kSplit);
  std::uint32_t failures = 0;
  for (Slot* slot : slots) failures = std::max(failures, ++slot->failures);
  // One time for all of them: what failed together is tried again in few batches.
  const bool split = failure.split_at_once && !alone;
  const auto due = split ? failure.now
                         : deadline_after(failure.now, failure.condemned ? settings_.loss_window
                                                                         : pause_after(failures));
  for (std::size_t i = 0; i < count; ++i) {
    Slot& slot = *slots[i];
    slot.batch_max = next_batch_max;
    slot.due = due;
    if (alone && failure.round != 0) slot.failed_alone_in = failure.round;
    if (alone && slot.successes_seen != failure.successes) {
      slot.successes_seen = failure.successes;
      ++slot.lone_failures;
    }
    wait_for_retry(slot, writes[i], failure);
  }
  batch.writes_.resize(size - count);
  batch.slots_.resize(size - count);
  batch.since_ = kNever;
  for (const Slot* slot : batch.slots_) batch.since_ = std::min(batch.since_, slot->flying_since);
  if (batch.empty()) land(batch);
}

void WriteBackQueue::wait_for_retry(Slot& slot, StoreWrite& write,
                                    const Failure& failure) noexcept {
  slot.flying = nullptr;
  // The failed write has been superseded if a newer one waits.
  if (!slot.waiting) {
    slot.waiting = std::move(write);
    slot.condemned = failure.condemned;
  }
  slot.ticket = slot.flying_ticket;
  slot.since = slot.flying_since;
  if (!failed_since_.contains(slot.ticket)) {
    failed_nodes_.put(failed_since_, slot.ticket, slot.since);
  }
  retry_nodes_.put(retrying_, {slot.due, slot.ticket}, &slot);
}

}  // namespace tarmac::internal
