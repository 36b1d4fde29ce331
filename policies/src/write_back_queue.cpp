#include "write_back_queue.h"

#include <tarmac/core/assert.h>

#include <algorithm>
#include <array>

namespace tarmac::internal {

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

void WriteBackQueue::drop_slot(Slot& slot) noexcept {
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
  if (since < newest_arrival_) late_.add(slot.ticket, since);
  newest_arrival_ = std::max(newest_arrival_, since);
}

void WriteBackQueue::start_waiting(Slot& slot, SteadyNanos since) {
  slot.ticket = ++last_ticket_;
  slot.due = deadline_after(since, settings_.loss_window);
  slot.since = since;
}

SteadyNanos WriteBackQueue::oldest_fresh() const noexcept {
  const auto oldest = late_.oldest_since();
  return arrived_.empty() ? oldest : std::min(oldest, arrived_.front()->since);
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

void WriteBackQueue::make_room_for_flight(Batch& batch, std::size_t count) {
  TARMAC_ASSERT(std::ranges::find(flying_, &batch) == flying_.end());
  batch.writes_.clear();
  batch.writes_.reserve(count);
  batch.condemned_.reserve(count);
  flying_.reserve(flying_.size() + 1);
  for (const Batch* other : flying_) count += other->slots_.size();
  fresh_nodes_.reserve(count);
  retry_nodes_.reserve(count);
  failed_nodes_.reserve(count);
}

void WriteBackQueue::fly(Batch& batch, std::vector<Slot*> slots, bool retry) noexcept {
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

std::span<const StoreWrite> WriteBackQueue::take_fresh(Batch& batch, std::uint64_t ticket) {
  const auto most = std::min(settings_.batch_max, fresh());
  std::vector<Slot*> chosen;
  chosen.reserve(most);
  make_room_for_flight(batch, most);
  while (chosen.size() < most) {
    Slot* first = first_fresh();
    if (first == nullptr || first->ticket > ticket) break;
    chosen.push_back(first);
    if (!arrived_.empty() && arrived_.front() == first) {
      arrived_.pop_front();
    } else {
      fresh_nodes_.take(returned_, returned_.begin());
    }
  }
  const Slot* first = first_fresh();
  first != nullptr ? late_.drop_below(first->ticket) : late_.clear();
  fly(batch, std::move(chosen), false);
  return batch.writes_;
}

template <class Wanted>
std::span<const StoreWrite> WriteBackQueue::take_retrying(Batch& batch, Wanted wanted) {
  auto limit = std::min(settings_.batch_max, retrying_.size());
  std::vector<Slot*> chosen;
  chosen.reserve(limit);
  make_room_for_flight(batch, limit);
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
    it = retry_nodes_.take(retrying_, it);
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

std::unique_ptr<WriteBackQueue> WriteBackQueue::with(std::vector<StoreWrite> writes,
                                                     SteadyNanos now) const {
  auto other = std::make_unique<WriteBackQueue>(settings_);
  other->last_ticket_ = last_ticket_;
  for (auto& write : writes) other->put(std::move(write), now);
  return other;
}

void WriteBackQueue::adopt(WriteBackQueue& other) noexcept {
  TARMAC_ASSERT(flying_.empty());
  std::swap(hash_seed_, other.hash_seed_);
  all_slots_.swap(other.all_slots_);
  free_slots_.swap(other.free_slots_);
  table_.swap(other.table_);
  std::swap(size_, other.size_);
  arrived_.swap(other.arrived_);
  returned_.swap(other.returned_);
  std::swap(late_, other.late_);
  std::swap(newest_arrival_, other.newest_arrival_);
  retrying_.swap(other.retrying_);
  failed_since_.swap(other.failed_since_);
  last_ticket_ = std::max(last_ticket_, other.last_ticket_);
}

}  // namespace tarmac::internal
