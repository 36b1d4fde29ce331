// Engine: what a durable cache writes to its log. Included by engine.h.
#pragma once

#include <tarmac/core/internal/engine.h>

#include <algorithm>
#include <deque>
#include <string>
#include <string_view>
#include <type_traits>

namespace tarmac::internal {

// Without a store nothing but the log wants the bytes of key and value, and those of strings are
// there: views into `key` and `intent`.
inline JournalRecord record_as_is(std::string_view key, const WriteIntent<std::string>& intent,
                                  const Clock& clock) {
  JournalRecord record;
  record.kind = JournalRecord::Kind::erase;
  record.key = key;
  record.stamp = intent.next.stamp;
  if (!intent.keeps()) return record;
  const auto& version = intent.next;
  if (version.deadline != kNever) {
    const auto now = clock.steady_now();
    if (version.deadline <= now) return record;
    record.expires_at = deadline_after(clock.wall_now(), version.deadline - now);
    record.ttl = std::max<std::int64_t>(1, version.deadline - version.created_at);
  }
  record.kind = JournalRecord::Kind::put;
  record.value = version.content.value();
  record.weight = version.weight;
  return record;
}

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

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::make_logged(LoggedWrite& logged, Key key, std::uint64_t hash,
                                     const WriteIntent<V>& intent,
                                     const WritePolicy* policy) const {
  auto& record = logged.record;
  if constexpr (std::is_same_v<K, std::string> && std::is_same_v<V, std::string>) {
    if (policy == nullptr && log_->debts().empty()) {
      record = record_as_is(key, intent, *clock_);
      return;
    }
  }
  logged.write = encode(key, hash, intent.next);
  // A debt from before a restart is not forgotten because no policy has come for it yet.
  logged.owes = policy != nullptr || log_->debts().of(logged.write.key);
  record = record_of(logged.write, intent.next);
  record.dirty = logged.owes;
  if (!logged.write.value || intent.keep_in_cache) return;
  if (logged.owes) {
    record.weight = JournalRecord::kNotCached;
  } else {
    record.kind = JournalRecord::Kind::erase;
    record.value = {};
  }
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::bring_to_store(LoggedWrite& logged, WritePolicy* policy) {
  if (!logged.owes) return;
  logged.former = log_->debts().add(logged.write);
  logged.state = policy == nullptr ? EntryState::dirty : policy->on_write(logged.write);
  if (logged.state == EntryState::clean) note_stored(logged.write);
}

// The log first: a store that has what the log has not would be ahead of the cache after a crash.
template <class K, class V, class H, class E>
EntryState Engine<K, V, H, E>::write_logged(KeyHold& hold, Key key, const WriteIntent<V>& intent,
                                            WritePolicy* policy) {
  LoggedWrite logged;
  make_logged(logged, key, hold.hash(), intent, policy);
  log_->commit({&logged.record, 1});
  try {
    bring_to_store(logged, policy);
  } catch (...) {
    LoggedWrite mending;
    make_mending(mending, hold, key, logged.former, {});
    commit_mending({&mending.record, 1});
    throw;
  }
  return logged.state;
}

// What the store has refused is in the log already, so what was there before is written after it:
// what was owed for the key, else what the cache has, else (`stored`) what the store has had.
template <class K, class V, class H, class E>
void Engine<K, V, H, E>::make_mending(LoggedWrite& mending, KeyHold& hold, Key key,
                                      const std::optional<StoreWrite>& owed,
                                      const std::optional<Version<V>>& stored) {
  const auto present = peek(key);
  const Version<V> former = present ? *present : stored ? *stored : Version<V>{};
  mending.write = encode(key, hold.hash(), former);
  {
    const std::lock_guard lock(hold.shard().mutex);
    mending.write.stamp = ++hold.shard().last_stamp;
  }
  if (owed) {
    log_->debts().add(*owed);
  } else {
    log_->debts().drop(mending.write.key);
  }
  if (present || !owed) {
    mending.record = record_of(mending.write, former);
    if (!present && stored) mending.record.weight = JournalRecord::kNotCached;
  } else {
    const auto stamp = mending.write.stamp;
    mending.write = *owed;
    mending.write.stamp = stamp;
    mending.record = debt_record(mending.write);
  }
  mending.record.dirty = owed.has_value();
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::commit_mending(std::span<const JournalRecord> records) {
  try {
    log_->commit(records);
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

// Nobody waits for it, but without it a restart could show what was there before the load. A load
// lands where nothing is (`intent.expected`), a refresh where something may be.
template <class K, class V, class H, class E>
bool Engine<K, V, H, E>::note_loaded(StoreWrite& write, const WriteIntent<V>& intent, Key key) {
  auto& shard = shard_of(write.hash);
  auto* entry = shard.find(key, write.hash);
  const bool is_there = entry != nullptr && !shard.is_expired(*entry, clock_->steady_now());
  if (!intent.keeps()) write.value.reset();
  const bool changes = intent.expected ? !is_there && write.value : is_there || write.value;
  if (!changes) return true;
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

#include <tarmac/core/internal/engine_at_once.h>
