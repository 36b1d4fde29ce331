#include "write_back_queue.h"

#include <tarmac/core/assert.h>

#include <algorithm>
#include <unordered_set>

namespace tarmac::internal {
namespace {

/// How much smaller a failed batch becomes: 256 writes are tried as 16 times 16, then one by one.
constexpr std::size_t kSplit = 16;

}  // namespace

void WriteBackQueue::put(StoreWrite write, SteadyNanos now) {
  Slot& slot = slot_of(write.key);
  if (slot.waiting) {
    // Keeps its place: being written again must not put off a key's turn for ever.
    if (write.stamp < slot.waiting->stamp) return;
    slot.waiting = std::move(write);
    slot.condemned = nullptr;  // The store has said nothing of this one.
    return;
  }
  if (slot.flying != nullptr) {
    if (write.stamp < slot.flying->stamp) return;
    slot.waiting = std::move(write);
    slot.ticket = ++last_ticket_;
    slot.due = deadline_after(now, settings_.loss_window);
    slot.since = now;
    return;
  }
  slot.waiting = std::move(write);
  wait_fresh(slot, now);
}

// A queue that fills and empties would otherwise ask for memory in one thread what it gives back in
// another, and do both under the lock of all writers.
WriteBackQueue::Slot& WriteBackQueue::slot_of(const std::string& key) {
  const auto wanted = hashed(key);
  const auto found = slots_.find(wanted);
  if (found != slots_.end()) return found->second;
  if (spare_slots_.empty()) {
    return slots_.try_emplace(Hashed<std::string>{key, wanted.hash}).first->second;
  }
  auto node = std::move(spare_slots_.back());
  spare_slots_.pop_back();
  node.key().bytes = key;
  node.key().hash = wanted.hash;
  node.mapped() = Slot{};
  return slots_.insert(std::move(node)).position->second;
}

void WriteBackQueue::drop_slot(Slots::iterator slot) {
  auto node = slots_.extract(slot);
  if (spare_slots_.size() < spares_max()) spare_slots_.push_back(std::move(node));
}

void WriteBackQueue::add_fresh(Slot& slot) {
  if (spare_fresh_.empty()) {
    fresh_.emplace_hint(fresh_.end(), slot.ticket, &slot);
    return;
  }
  auto node = std::move(spare_fresh_.back());
  spare_fresh_.pop_back();
  node.key() = slot.ticket;
  node.mapped() = &slot;
  fresh_.insert(fresh_.end(), std::move(node));
}

void WriteBackQueue::wait_fresh(Slot& slot, SteadyNanos now) {
  slot.ticket = ++last_ticket_;
  slot.due = deadline_after(now, settings_.loss_window);
  slot.since = now;
  slot.failures = 0;
  slot.batch_max = settings_.batch_max;
  add_fresh(slot);
}

std::optional<StoreWrite> WriteBackQueue::pending(std::string_view key) const {
  const auto found = find(key);
  if (found == slots_.end()) return std::nullopt;
  const Slot& slot = found->second;
  return slot.waiting ? *slot.waiting : *slot.flying;
}

SteadyNanos WriteBackQueue::next_due() const noexcept {
  auto due = kNever;
  if (!fresh_.empty()) due = fresh_.begin()->second->due;
  if (!retrying_.empty()) due = std::min(due, retrying_.begin()->first.first);
  return due;
}

void WriteBackQueue::fly(const std::vector<Slot*>& slots, bool retry) {
  TARMAC_ASSERT(batch_.empty());
  batch_.reserve(slots.size());
  batch_since_ = kNever;
  for (Slot* slot : slots) {
    batch_.push_back(std::move(*slot->waiting));
    slot->waiting.reset();
    slot->flying = &batch_.back();
    slot->flying_ticket = slot->ticket;
    slot->flying_since = slot->since;
    batch_since_ = std::min(batch_since_, slot->since);
  }
  batch_is_retry_ = retry;
  batch_condemned_.clear();
  for (Slot* slot : slots) {
    if (slot->condemned) batch_condemned_.push_back(std::exchange(slot->condemned, nullptr));
  }
}

std::span<const StoreWrite> WriteBackQueue::take_fresh(std::uint64_t ticket) {
  std::vector<Slot*> chosen;
  while (!fresh_.empty() && chosen.size() < settings_.batch_max) {
    const auto first = fresh_.begin();
    if (first->first > ticket) break;
    chosen.push_back(first->second);
    auto node = fresh_.extract(first);
    if (spare_fresh_.size() < spares_max()) spare_fresh_.push_back(std::move(node));
  }
  fly(chosen, false);
  return batch_;
}

template <class Wanted>
std::span<const StoreWrite> WriteBackQueue::take_retrying(Wanted wanted) {
  std::vector<Slot*> chosen;
  auto limit = settings_.batch_max;
  for (auto it = retrying_.begin(); it != retrying_.end() && chosen.size() < limit;) {
    Slot& slot = *it->second;
    const bool fits =
        chosen.empty() || (slot.condemned == nullptr) == (chosen.front()->condemned == nullptr);
    // What the store is not asked about can go together, whatever its size.
    const auto most = slot.condemned ? settings_.batch_max : slot.batch_max;
    // One that must be alone is left for a batch of its own, not squeezed into a larger one.
    if (!fits || !wanted(slot) || (!chosen.empty() && most <= chosen.size())) {
      ++it;
      continue;
    }
    limit = std::min(limit, most);
    chosen.push_back(&slot);
    it = retrying_.erase(it);
  }
  fly(chosen, true);
  return batch_;
}

std::span<const StoreWrite> WriteBackQueue::take_due(SteadyNanos now, bool early) {
  const bool retry_is_due = !retrying_.empty() && retrying_.begin()->first.first <= now;
  const bool fresh_is_due = !fresh_.empty() && (early || fresh_.begin()->second->due <= now);
  // Whichever has waited longer, so that neither kind starves the other.
  if (retry_is_due &&
      (!fresh_is_due || retrying_.begin()->first.first <= fresh_.begin()->second->due)) {
    return take_retrying([now](const Slot& slot) { return slot.due <= now; });
  }
  if (fresh_is_due) return take_fresh(last_ticket_);
  return {};
}

std::span<const StoreWrite> WriteBackQueue::take_for_round(std::uint64_t round,
                                                           std::uint64_t ticket) {
  if (!fresh_.empty() && fresh_.begin()->first <= ticket) return take_fresh(ticket);
  return take_retrying([round, ticket](const Slot& slot) {
    return slot.ticket <= ticket && (slot.condemned || slot.failed_alone_in < round);
  });
}

bool WriteBackQueue::settle_some(std::size_t count) {
  const auto end = std::min(batch_.size(), settled_ + count);
  for (; settled_ < end; ++settled_) {
    const auto found = find(batch_[settled_].key);
    Slot& slot = found->second;
    slot.flying = nullptr;
    if (slot.failures != 0) failed_since_.erase(slot.flying_ticket);
    if (!slot.waiting) {
      drop_slot(found);
      continue;
    }
    // A newer write came meanwhile: it starts with a clean record, at the time it came.
    slot.failures = 0;
    slot.lone_failures = 0;
    slot.batch_max = settings_.batch_max;
    add_fresh(slot);
  }
  if (settled_ < batch_.size()) return false;
  settled_ = 0;
  spent_ = std::move(batch_);
  batch_.clear();
  return true;
}

std::uint32_t WriteBackQueue::lone_failures(std::uint64_t successes) const {
  if (batch_.size() != 1) return 0;
  const Slot& slot = find(batch_.front().key)->second;
  return slot.lone_failures + (slot.successes_seen != successes ? 1 : 0);
}

SteadyNanos WriteBackQueue::oldest_since() const noexcept {
  auto oldest = kNever;
  if (!fresh_.empty()) oldest = fresh_.begin()->second->since;
  if (!failed_since_.empty()) oldest = std::min(oldest, failed_since_.begin()->second);
  return in_flight() ? std::min(oldest, batch_since_) : oldest;
}

void WriteBackQueue::settle_failed(const Failure& failure) {
  const bool alone = batch_.size() == 1 || failure.each_alone;
  const auto next_batch_max = alone ? 1 : std::max<std::size_t>(1, batch_.size() / kSplit);
  std::uint32_t failures = 0;
  for (const StoreWrite& write : batch_) {
    failures = std::max(failures, ++find(write.key)->second.failures);
  }
  // One time for all of them: what failed together is tried again in few batches.
  const bool split = failure.split_at_once && !alone;
  const auto due = split
                       ? failure.now
                       : deadline_after(failure.now, failure.is_condemned ? settings_.loss_window
                                                                          : pause_after(failures));
  for (StoreWrite& write : batch_) {
    Slot& slot = find(write.key)->second;
    slot.flying = nullptr;
    // The failed write has been superseded if a newer one waits.
    if (!slot.waiting) slot.waiting = std::move(write);
    slot.batch_max = next_batch_max;
    slot.due = due;
    slot.ticket = slot.flying_ticket;
    slot.since = slot.flying_since;
    failed_since_.emplace(slot.ticket, slot.since);
    if (alone && failure.round != 0) slot.failed_alone_in = failure.round;
    if (alone && slot.successes_seen != failure.successes) {
      slot.successes_seen = failure.successes;
      ++slot.lone_failures;
    }
    retrying_.emplace(std::pair{slot.due, slot.ticket}, &slot);
  }
  batch_.clear();
}

std::vector<StoreWrite> WriteBackQueue::part_flying(
    std::span<const std::string> keys, const std::shared_ptr<const std::string>& reason,
    const Failure& failure) {
  const std::unordered_set<std::string_view> named(keys.begin(), keys.end());
  std::vector<StoreWrite> rest;
  rest.reserve(batch_.size());  // It must not move once it is pointed into.
  std::vector<StoreWrite> parted;
  for (auto& write : batch_)
    (named.contains(write.key) ? parted : rest).push_back(std::move(write));
  batch_ = parted;
  settle_failed({.now = failure.now,
                 .round = failure.round,
                 .successes = failure.successes,
                 .each_alone = true,
                 .is_condemned = reason != nullptr});
  batch_ = std::move(rest);
  batch_since_ = kNever;
  for (const auto& write : batch_) {
    Slot& slot = find(write.key)->second;
    slot.flying = &write;
    batch_since_ = std::min(batch_since_, slot.flying_since);
  }
  for (const auto& write : parted) {
    Slot& slot = find(write.key)->second;
    if (reason && slot.waiting->stamp == write.stamp) slot.condemned = reason;
  }
  return parted;
}

std::int64_t WriteBackQueue::pause_after(std::uint32_t failures) {
  auto pause = settings_.retry_initial;
  for (std::uint32_t i = 1; i < failures && pause < settings_.retry_max; ++i) {
    pause = pause > settings_.retry_max / 2 ? settings_.retry_max : pause * 2;
  }
  std::uniform_int_distribution<std::int64_t> half(0, pause / 2);
  return pause - half(random_);
}

std::size_t WriteBackQueue::owed_since(std::uint64_t ticket) const noexcept {
  std::size_t owed = 0;
  for (const auto& [key, slot] : slots_) {
    const auto oldest = slot.flying != nullptr ? slot.flying_ticket : slot.ticket;
    if (oldest <= ticket) ++owed;
  }
  return owed;
}

std::vector<StoreWrite> WriteBackQueue::copy() const {
  std::vector<StoreWrite> writes;
  writes.reserve(slots_.size());
  for (const auto& [key, slot] : slots_) {
    writes.push_back(slot.waiting ? *slot.waiting : *slot.flying);
  }
  return writes;
}

void WriteBackQueue::replace_all(std::vector<StoreWrite> writes, SteadyNanos now) {
  TARMAC_ASSERT(batch_.empty());
  fresh_.clear();
  retrying_.clear();
  failed_since_.clear();
  slots_.clear();
  for (auto& write : writes) put(std::move(write), now);
}

}  // namespace tarmac::internal
