// Engine: what a durable cache writes to its log. Included by engine.h.
#pragma once

#include <tarmac/core/internal/engine.h>

#include <algorithm>
#include <deque>

namespace tarmac::internal {

// Views into `write`, which must outlive the record.
template <class K, class V, class H, class E>
JournalRecord Engine<K, V, H, E>::record_of(const StoreWrite& write,
                                            const Version<V>& version) const {
  JournalRecord record;
  record.kind = write.value ? JournalRecord::Kind::put : JournalRecord::Kind::erase;
  record.key = write.key;
  record.stamp = write.stamp;
  if (!write.value) return record;
  record.value = *write.value;
  record.expires_at = write.expires_at;
  if (write.expires_at) {
    record.ttl = std::max<std::int64_t>(1, version.deadline - version.created_at);
  }
  record.weight = version.weight;
  return record;
}

// The log first: a store that has what the log has not would be ahead of the cache after a crash.
template <class K, class V, class H, class E>
EntryState Engine<K, V, H, E>::write_logged(KeyHold& hold, Key key, const WriteIntent<V>& intent,
                                            WritePolicy* policy) {
  auto& debts = log_->debts();
  const auto write = encode(key, hold.hash(), intent.next);
  // A debt from before a restart is not forgotten because no policy has come for it yet.
  const bool owes = policy != nullptr || debts.of(write.key);
  auto record = record_of(write, intent.next);
  record.dirty = owes;
  if (write.value && !intent.keep_in_cache) {
    if (owes) {
      record.weight = JournalRecord::kNotCached;
    } else {
      record.kind = JournalRecord::Kind::erase;
      record.value = {};
    }
  }
  log_->commit({&record, 1});
  if (!owes) return EntryState::clean;
  const auto before = debts.add(write);
  if (policy == nullptr) return EntryState::dirty;
  EntryState state = EntryState::clean;
  try {
    state = policy->on_write(write);
  } catch (...) {
    take_back(hold, key, before);
    throw;
  }
  if (state == EntryState::clean) note_stored(write);
  return state;
}

// What the store has refused is in the log already: what was there before is written after it.
template <class K, class V, class H, class E>
void Engine<K, V, H, E>::take_back(KeyHold& hold, Key key, const std::optional<StoreWrite>& owed) {
  auto& debts = log_->debts();
  const auto present = peek(key);
  StoreWrite former = encode(key, hold.hash(), present ? *present : Version<V>{});
  JournalRecord record = record_of(former, present ? *present : Version<V>{});
  if (owed) {
    debts.add(*owed);
    record.dirty = true;
    if (!present) {
      former = *owed;
      record = debt_record(former);
    }
  } else {
    debts.drop(former.key);
  }
  {
    const std::lock_guard lock(hold.shard().mutex);
    record.stamp = ++hold.shard().last_stamp;
  }
  try {
    log_->commit({&record, 1});
  } catch (const DurabilityError& error) {
    throw DurabilityError("the store refused a write, and the log could not take it back, so a " +
                          std::string("restart may show it: ") + error.what());
  }
}

template <class K, class V, class H, class E>
JournalRecord Engine<K, V, H, E>::debt_record(const StoreWrite& debt) const {
  Version<V> version;
  if (debt.expires_at) version.deadline = std::max<std::int64_t>(1, *debt.expires_at);
  auto record = record_of(debt, version);
  record.dirty = true;
  record.weight = JournalRecord::kNotCached;
  return record;
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::note_stored(const StoreWrite& write) noexcept {
  if (!log_->debts().pay(write.key, write.stamp)) return;
  JournalRecord record;
  record.kind = JournalRecord::Kind::stored;
  record.key = write.key;
  record.stamp = write.stamp;
  // If this is lost, the store gets the write once more: no harm.
  static_cast<void>(log_->note(record));
}

// Nobody waits for it, but without it a restart could show what was there before the load.
template <class K, class V, class H, class E>
bool Engine<K, V, H, E>::note_loaded(StoreWrite& write, const WriteIntent<V>& intent, Key key) {
  if (!intent.keeps() || !write.value) return true;
  auto& shard = shard_of(write.hash);
  auto* entry = shard.find(key, write.hash);
  if (entry != nullptr && !shard.is_expired(*entry, clock_->steady_now())) return true;
  if (log_->debts().of(write.key)) return false;
  write.stamp = intent.next.stamp;
  return log_->note(record_of(write, intent.next));
}

// With the gate closed: whoever has logged a write of before has also shown it by now, so nothing
// of it comes after. Slots and values' destructors wait until writes are possible again.
template <class K, class V, class H, class E>
void Engine<K, V, H, E>::clear_logged() {
  JournalRecord record;
  record.kind = JournalRecord::Kind::clear;
  std::deque<EffectsType> effects;
  try {
    const Gate::Closure closed(gate_);
    log_->commit({&record, 1});
    for (auto& shard : shards_) clear_shard(*shard, effects.emplace_back());
  } catch (const DurabilityError& error) {
    announce(EventType::durability_error, error.what(), 1, 0);
    throw;
  }
  for (auto& shard : shards_) shard->events.deliver(events_);
  tend_log();
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::tend_log() {
  if (const auto failure = log_->take_failure()) {
    announce(EventType::durability_error, *failure, 1, 0);
  }
  if (!log_->wants_image()) return;
  const auto now = clock_->steady_now();
  if (now >= next_compaction_.load(std::memory_order_relaxed)) compactor_->wake(now);
}

}  // namespace tarmac::internal
