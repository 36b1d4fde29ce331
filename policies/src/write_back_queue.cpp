#include "write_back_queue.h"

#include <tarmac/core/assert.h>

#include <algorithm>
#include <array>
#include <unordered_set>

namespace tarmac::internal {
namespace {

/// How much smaller a failed batch becomes: 256 writes are tried as 16 times 16, then one by one.
constexpr std::size_t kSplit = 16;

}  // namespace

WriteBackQueue::Slot* WriteBackQueue::find(std::string_view key, std::uint64_t hash) const {
  if (size_ == 0) return nullptr;
  const auto mask = table_.size() - 1;
  for (auto at = hash & mask; table_[at].slot != nullptr; at = (at + 1) & mask) {
    if (table_[at].hash == hash && key_of(*table_[at].slot) == key) return table_[at].slot;
  }
  return nullptr;
}

void WriteBackQueue::put_into_table(Slot& slot) noexcept {
  const auto mask = table_.size() - 1;
  auto at = slot.hash & mask;
  while (table_[at].slot != nullptr) at = (at + 1) & mask;
  table_[at] = {slot.hash, &slot};
}

void WriteBackQueue::make_room_for_slot() {
  if (2 * (size_ + 1) > table_.size()) {
    constexpr std::size_t kTableMin = 64;
    const auto old =
        std::exchange(table_, std::vector<Place>(std::max(kTableMin, 2 * table_.size())));
    for (const auto& place : old) {
      if (place.slot != nullptr) put_into_table(*place.slot);
    }
  }
  if (free_slots_.empty()) {
    // Giving one back allocates nothing.
    if (free_slots_.capacity() <= all_slots_.size()) free_slots_.reserve(2 * all_slots_.size() + 1);
    free_slots_.push_back(&all_slots_.emplace_back());
  }
}

WriteBackQueue::Slot& WriteBackQueue::take_slot(std::uint64_t hash) noexcept {
  Slot& slot = *free_slots_.back();
  free_slots_.pop_back();
  slot.hash = hash;
  put_into_table(slot);
  ++size_;
  return slot;
}

void WriteBackQueue::drop_slot(Slot& slot) {
  const auto mask = table_.size() - 1;
  auto hole = slot.hash & mask;
  while (table_[hole].slot != &slot) hole = (hole + 1) & mask;
  // What lies behind it moves up, unless that were before where its search begins.
  for (auto at = (hole + 1) & mask; table_[at].slot != nullptr; at = (at + 1) & mask) {
    if (((at - table_[at].hash) & mask) < ((at - hole) & mask)) continue;
    table_[hole] = table_[at];
    hole = at;
  }
  table_[hole] = {};
  --size_;
  slot = Slot{};
  free_slots_.push_back(&slot);
}

void WriteBackQueue::put_all(std::span<StoreWrite> writes, SteadyNanos since) {
  // The places of some are on their way from memory before the first is looked at.
  constexpr std::size_t kSome = 16;
  std::array<std::uint64_t, kSome> hashes{};
  while (!writes.empty()) {
    const auto some = writes.first(std::min(kSome, writes.size()));
    for (std::size_t i = 0; i < some.size(); ++i) {
      hashes.at(i) = hash_of(some[i].key);
      if (!table_.empty()) __builtin_prefetch(&table_[hashes.at(i) & (table_.size() - 1)], 1);
    }
    for (std::size_t i = 0; i < some.size(); ++i) put(std::move(some[i]), hashes.at(i), since);
    writes = writes.subspan(some.size());
  }
}

void WriteBackQueue::put(StoreWrite&& write, std::uint64_t hash, SteadyNanos since) {
  Slot* known = find(write.key, hash);
  if (known == nullptr) return put_new(std::move(write), hash, since);
  if (known->waiting) {
    // Keeps its place: being written again must not put off a key's turn for ever.
    if (write.stamp < known->waiting->stamp) return;
    known->waiting = std::move(write);
    known->condemned = nullptr;  // The store has said nothing of this one.
    return;
  }
  if (write.stamp < known->flying->stamp) return;
  known->waiting = std::move(write);
  start_waiting(*known, since);
}

// Memory runs out before anything is changed, or not at all: a slot that is in the table and in no
// order would be owed for ever.
void WriteBackQueue::put_new(StoreWrite&& write, std::uint64_t hash, SteadyNanos since) {
  make_room_for_slot();
  arrived_.push_back(free_slots_.back());
  Slot& slot = take_slot(hash);
  slot.waiting = std::move(write);
  start_waiting(slot, since);
  slot.failures = 0;
  slot.batch_max = settings_.batch_max;
  hurry_if_late(slot);
}

void WriteBackQueue::start_waiting(Slot& slot, SteadyNanos since) {
  slot.ticket = ++last_ticket_;
  slot.due = deadline_after(since, settings_.loss_window);
  slot.since = since;
}

// Requires: `slot` has just become fresh. Those before it go with it, when they would be later.
void WriteBackQueue::hurry_if_late(const Slot& slot) noexcept {
  if (slot.since >= newest_since_) {
    newest_since_ = slot.since;
    return;
  }
  hurried_since_ = std::min(hurried_since_, slot.since);
  hurried_ticket_ = std::max(hurried_ticket_, slot.ticket);
}

SteadyNanos WriteBackQueue::oldest_fresh() const noexcept {
  const Slot* first = first_fresh();
  if (first == nullptr) return kNever;
  return first->ticket <= hurried_ticket_ ? std::min(first->since, hurried_since_) : first->since;
}

WriteBackQueue::Slot* WriteBackQueue::first_fresh() const noexcept {
  if (returned_.empty()) return arrived_.empty() ? nullptr : arrived_.front();
  Slot* returned = returned_.begin()->second;
  return arrived_.empty() || returned->ticket < arrived_.front()->ticket ? returned
                                                                         : arrived_.front();
}

std::optional<StoreWrite> WriteBackQueue::pending(std::string_view key) const {
  const Slot* slot = find(key);
  if (slot == nullptr) return std::nullopt;
  return slot->waiting ? *slot->waiting : *slot->flying;
}

SteadyNanos WriteBackQueue::next_due() const noexcept {
  const auto due = fresh_due();
  return retrying_.empty() ? due : std::min(due, retrying_.begin()->first.first);
}

void WriteBackQueue::fly(Batch& batch, std::vector<Slot*> slots, bool retry) {
  TARMAC_ASSERT(std::ranges::find(flying_, &batch) == flying_.end());
  batch.writes_.clear();
  batch.writes_.reserve(slots.size());
  batch.settled_ = 0;
  batch.since_ = kNever;
  batch.is_retry_ = retry;
  batch.condemned_.clear();
  for (Slot* slot : slots) {
    batch.writes_.push_back(std::move(*slot->waiting));
    slot->waiting.reset();
    slot->flying = &batch.writes_.back();
    slot->flying_ticket = slot->ticket;
    slot->flying_since = slot->since;
    batch.since_ = std::min(batch.since_, slot->since);
    if (slot->condemned) batch.condemned_.push_back(std::exchange(slot->condemned, nullptr));
  }
  batch.slots_ = std::move(slots);
  if (!batch.empty()) flying_.push_back(&batch);
}

void WriteBackQueue::land(Batch& batch) { std::erase(flying_, &batch); }

std::span<const StoreWrite> WriteBackQueue::take_fresh(Batch& batch, std::uint64_t ticket) {
  std::vector<Slot*> chosen;
  chosen.reserve(std::min(settings_.batch_max, fresh()));
  while (chosen.size() < settings_.batch_max) {
    Slot* first = first_fresh();
    if (first == nullptr || first->ticket > ticket) break;
    chosen.push_back(first);
    if (!arrived_.empty() && arrived_.front() == first) {
      arrived_.pop_front();
    } else {
      returned_.erase(returned_.begin());
    }
  }
  if (const Slot* first = first_fresh(); first == nullptr || first->ticket > hurried_ticket_) {
    hurried_since_ = kNever;
  }
  fly(batch, std::move(chosen), false);
  return batch.writes_;
}

template <class Wanted>
std::span<const StoreWrite> WriteBackQueue::take_retrying(Batch& batch, Wanted wanted) {
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
  fly(batch, std::move(chosen), true);
  return batch.writes_;
}

std::span<const StoreWrite> WriteBackQueue::take_due(Batch& batch, SteadyNanos now, bool early) {
  const auto due = fresh_due();
  const bool retry_is_due = !retrying_.empty() && retrying_.begin()->first.first <= now;
  const bool fresh_is_due = due != kNever && (early || due <= now);
  // Whichever has waited longer, so that neither kind starves the other.
  if (retry_is_due && (!fresh_is_due || retrying_.begin()->first.first <= due)) {
    return take_retrying(batch, [now](const Slot& slot) { return slot.due <= now; });
  }
  return take_fresh(batch, fresh_is_due ? last_ticket_ : 0);
}

std::span<const StoreWrite> WriteBackQueue::take_for_round(Batch& batch, std::uint64_t round,
                                                           std::uint64_t ticket) {
  if (const Slot* fresh = first_fresh(); fresh != nullptr && fresh->ticket <= ticket) {
    return take_fresh(batch, ticket);
  }
  return take_retrying(batch, [round, ticket](const Slot& slot) {
    return slot.ticket <= ticket && (slot.condemned || slot.failed_alone_in < round);
  });
}

bool WriteBackQueue::settle_some(Batch& batch, std::size_t count) {
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
    returned_.emplace(slot.ticket, &slot);
    hurry_if_late(slot);
  }
  if (batch.settled_ < batch.slots_.size()) return false;
  land(batch);
  return true;
}

std::uint32_t WriteBackQueue::lone_failures(const Batch& batch, std::uint64_t successes) const {
  if (!batch.is_lone()) return 0;
  const Slot& slot = *batch.slots_.front();
  return slot.lone_failures + (slot.successes_seen != successes ? 1 : 0);
}

SteadyNanos WriteBackQueue::oldest_since() const noexcept {
  auto oldest = oldest_fresh();
  if (!failed_since_.empty()) oldest = std::min(oldest, failed_since_.begin()->second);
  for (const Batch* batch : flying_) oldest = std::min(oldest, batch->since_);
  return oldest;
}

void WriteBackQueue::settle_failed(Batch& batch, const Failure& failure) {
  settle_failed(batch.slots_, batch.writes_, failure);
  batch.writes_.clear();
  batch.slots_.clear();
  land(batch);
}

void WriteBackQueue::settle_failed(std::span<Slot* const> slots, std::span<StoreWrite> writes,
                                   const Failure& failure) {
  const bool alone = slots.size() == 1 || failure.each_alone;
  const auto next_batch_max = alone ? 1 : std::max<std::size_t>(1, slots.size() / kSplit);
  std::uint32_t failures = 0;
  for (Slot* slot : slots) failures = std::max(failures, ++slot->failures);
  // One time for all of them: what failed together is tried again in few batches.
  const bool split = failure.split_at_once && !alone;
  const auto due = split
                       ? failure.now
                       : deadline_after(failure.now, failure.is_condemned ? settings_.loss_window
                                                                          : pause_after(failures));
  for (std::size_t i = 0; i < slots.size(); ++i) {
    Slot& slot = *slots[i];
    slot.flying = nullptr;
    // The failed write has been superseded if a newer one waits.
    if (!slot.waiting) slot.waiting = std::move(writes[i]);
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
}

std::vector<StoreWrite> WriteBackQueue::part_flying(
    Batch& batch, std::span<const std::string> keys,
    const std::shared_ptr<const std::string>& reason, const Failure& failure) {
  const std::unordered_set<std::string_view> named(keys.begin(), keys.end());
  std::vector<StoreWrite> rest;
  rest.reserve(batch.writes_.size());  // It must not move once it is pointed into.
  std::vector<Slot*> rest_slots;
  std::vector<StoreWrite> parted;
  std::vector<Slot*> parted_slots;
  batch.since_ = kNever;
  for (std::size_t i = 0; i < batch.writes_.size(); ++i) {
    auto& write = batch.writes_[i];
    Slot* slot = batch.slots_[i];
    if (named.contains(write.key)) {
      parted.push_back(std::move(write));
      parted_slots.push_back(slot);
      continue;
    }
    rest.push_back(std::move(write));
    rest_slots.push_back(slot);
    slot->flying = &rest.back();
    batch.since_ = std::min(batch.since_, slot->flying_since);
  }
  batch.writes_ = std::move(rest);
  batch.slots_ = std::move(rest_slots);
  auto failed = parted;
  settle_failed(parted_slots, failed,
                {.now = failure.now,
                 .round = failure.round,
                 .successes = failure.successes,
                 .each_alone = true,
                 .is_condemned = reason != nullptr});
  for (std::size_t i = 0; i < parted.size(); ++i) {
    Slot& slot = *parted_slots[i];
    if (reason && slot.waiting->stamp == parted[i].stamp) slot.condemned = reason;
  }
  if (batch.empty()) land(batch);
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
  for (const auto& place : table_) {
    if (place.slot == nullptr) continue;
    const Slot& slot = *place.slot;
    if ((slot.flying != nullptr ? slot.flying_ticket : slot.ticket) <= ticket) ++owed;
  }
  return owed;
}

std::vector<StoreWrite> WriteBackQueue::copy() const {
  std::vector<StoreWrite> writes;
  writes.reserve(size_);
  for (const auto& place : table_) {
    if (place.slot == nullptr) continue;
    writes.push_back(place.slot->waiting ? *place.slot->waiting : *place.slot->flying);
  }
  return writes;
}

void WriteBackQueue::replace_all(std::vector<StoreWrite> writes, SteadyNanos now) {
  TARMAC_ASSERT(flying_.empty());
  arrived_.clear();
  returned_.clear();
  retrying_.clear();
  failed_since_.clear();
  table_.clear();
  free_slots_.clear();
  all_slots_.clear();
  size_ = 0;
  hurried_since_ = kNever;
  for (auto& write : writes) put(std::move(write), now);
}

}  // namespace tarmac::internal
