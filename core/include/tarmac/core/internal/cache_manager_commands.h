// CacheManager: commands, undo and redo. Included by cache_manager.h.
#pragma once

#include <tarmac/core/cache_manager.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <vector>

namespace tarmac {

template <class K, class V, class H, class E>
auto CacheManager<K, V, H, E>::perform(Key key, std::optional<V> value, const SetOptions& options)
    -> Change {
  const auto hash = engine_.expect_write(key);
  Intent intent;
  std::optional<SetOutcome> outcome;
  if (value) {
    auto prepared = prepare(key, std::move(*value), options);
    outcome = prepared.outcome;
    intent = std::move(prepared.intent);
  }
  intent.want_before = true;
  auto next = intent.next;
  auto mutation = engine_.write(key, hash, std::move(intent));
  if (outcome) count(*outcome);
  return change_of(key, std::move(next), std::move(mutation));
}

template <class K, class V, class H, class E>
auto CacheManager<K, V, H, E>::change_of(Key key, internal::Version<V> next,
                                         internal::Mutation<V> mutation) -> Change {
  Change change{K(key), {}, {}};
  if (mutation.before) change.target = std::move(*mutation.before);
  if (change.target && mutation.loaded) {
    const auto loaded_weight = weigh(change.key, change.target.content.value());
    change.target.weight = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(loaded_weight, std::numeric_limits<std::uint32_t>::max()));
  }
  if (mutation.stamp != 0) {
    next.stamp = mutation.stamp;
    change.current = std::move(next);
  }
  return change;
}

template <class K, class V, class H, class E>
void CacheManager<K, V, H, E>::finish(Record record) {
  for (const auto& change : record.changes) {
    record.bytes += content_bytes(change.key);
    record.bytes += change.target.weight;
    record.bytes += change.current.weight;
  }
  const auto keys = record.changes.size();
  history_.push_executed(std::move(record));
  engine_.announce(EventType::command_executed, "", keys, 0);
}

template <class K, class V, class H, class E>
template <class CommandK, class CommandV>
bool CacheManager<K, V, H, E>::execute(SetCommand<CommandK, CommandV> command) {
  const K key(std::move(command.key));
  Record record;
  record.changes.push_back(perform(key, V(std::move(command.value)), command.options));
  const auto& change = record.changes.front();
  const bool changed = change.current || change.target;  // A refused value removes the one before.
  finish(std::move(record));
  return changed;
}

template <class K, class V, class H, class E>
template <class CommandK>
bool CacheManager<K, V, H, E>::execute(DeleteCommand<CommandK> command) {
  const K key(std::move(command.key));
  Record record;
  record.changes.push_back(perform(key, std::nullopt, {}));
  const bool changed = static_cast<bool>(record.changes.front().target);
  finish(std::move(record));
  return changed;
}

template <class K, class V, class H, class E>
bool CacheManager<K, V, H, E>::execute(const MacroCommand<K, V>& command) {
  if (engine_.is_durable()) return execute_at_once(command);
  Record record;
  try {
    for (const auto& step : command.steps()) {
      record.changes.push_back(perform(step.key, step.value, step.options));
    }
  } catch (...) {
    // A store that refused this step may refuse its mending too; that is then thrown instead, and
    // tells that the steps before it stand.
    static_cast<void>(turn_all(record));
    throw;
  }
  if (record.changes.empty()) return false;
  finish(std::move(record));
  return true;
}

/// As one record of the log. Of several steps with one key the last one counts: nobody could see
/// the others.
template <class K, class V, class H, class E>
bool CacheManager<K, V, H, E>::execute_at_once(const MacroCommand<K, V>& command) {
  const auto& steps = command.steps();
  std::vector<internal::BatchWrite<K, V>> writes;
  writes.reserve(steps.size());
  // By hash, the number of a key's write, from 1; 0: free.
  std::vector<std::size_t> places(std::bit_ceil(2 * steps.size() + 1));
  std::vector<SetOutcome> outcomes;
  outcomes.reserve(steps.size());
  for (const auto& step : steps) {
    Intent intent;
    if (step.value) {
      auto prepared = prepare(step.key, V(*step.value), step.options);
      outcomes.push_back(prepared.outcome);
      intent = std::move(prepared.intent);
    }
    intent.want_before = true;
    auto at = engine_.hash_of(step.key) % places.size();
    while (places[at] != 0 && !E{}(writes[places[at] - 1].key, step.key)) {
      at = (at + 1) % places.size();
    }
    if (places[at] != 0) {
      writes[places[at] - 1].intent = std::move(intent);
    } else {
      writes.push_back({step.key, std::move(intent), {}});
      places[at] = writes.size();
    }
  }
  if (writes.empty() || !engine_.write_batch(writes)) return false;
  for (const auto outcome : outcomes) count(outcome);
  Record record;
  record.changes.reserve(writes.size());
  for (auto& one : writes) {
    record.changes.push_back(
        change_of(one.key, std::move(one.intent.next), std::move(one.mutation)));
  }
  finish(std::move(record));
  return true;
}

template <class K, class V, class H, class E>
auto CacheManager<K, V, H, E>::turning_intent(const Change& change) const -> Intent {
  Intent intent;
  intent.expected = change.current ? change.current.stamp : 0;
  if (change.target) {
    // It keeps its deadline: time goes on for a value that waits in the history.
    intent.next = change.target;
    intent.keep_in_cache = engine_.budget().could_hold(intent.next.weight);
  }
  return intent;
}

/// Brings the key back to the target of `change` if it is as expected, and turns `change` round, so
/// that doing it again goes the other way.
template <class K, class V, class H, class E>
bool CacheManager<K, V, H, E>::turn(Record& record, Change& change) {
  const auto hash = engine_.expect_write(change.key);
  const auto mutation = engine_.write(change.key, hash, turning_intent(change));
  if (!mutation.applied) return false;
  note_turned(record, change, mutation.stamp);
  return true;
}

template <class K, class V, class H, class E>
void CacheManager<K, V, H, E>::note_turned(Record& record, Change& change, std::uint64_t stamp) {
  std::swap(change.target, change.current);
  if (stamp == 0) {
    change.current = {};  // Its deadline had passed meanwhile.
  } else {
    // The same value in a write of its own: whatever else waits for it is to find it.
    const auto former = std::exchange(change.current.stamp, stamp);
    internal::restamp<E>(record, change.key, former, stamp);
    history_.restamp(change.key, former, stamp);
  }
}

/// The same for all changes of a durable cache, whose keys are different.
template <class K, class V, class H, class E>
bool CacheManager<K, V, H, E>::turn_at_once(Record& record) {
  std::vector<internal::BatchWrite<K, V>> writes;
  for (const auto& change : record.changes) {
    writes.push_back({change.key, turning_intent(change), {}});
  }
  if (!engine_.write_batch(writes)) return false;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    note_turned(record, record.changes[i], writes[i].mutation.stamp);
  }
  return true;
}

/// All changes or none: false, with nothing changed, if somebody else has written one of the keys.
template <class K, class V, class H, class E>
bool CacheManager<K, V, H, E>::turn_all(Record& record) {
  auto& changes = record.changes;
  if (changes.size() > 1 && engine_.is_durable()) return turn_at_once(record);
  std::reverse(changes.begin(), changes.end());
  std::size_t turned = 0;
  try {
    while (turned < changes.size() && turn(record, changes[turned])) ++turned;
  } catch (...) {
    while (turned > 0) static_cast<void>(turn(record, changes[--turned]));
    std::reverse(changes.begin(), changes.end());
    throw;
  }
  if (turned == changes.size()) return true;
  while (turned > 0) static_cast<void>(turn(record, changes[--turned]));
  std::reverse(changes.begin(), changes.end());
  return false;
}

template <class K, class V, class H, class E>
UndoOutcome CacheManager<K, V, H, E>::undo() {
  auto taken = history_.take_undo();
  if (!taken) return UndoOutcome::nothing;
  const auto keys = taken->record.changes.size();
  try {
    if (!turn_all(taken->record)) return UndoOutcome::conflict;
  } catch (...) {
    history_.push_redone(std::move(*taken));  // Not undone after all: it can be tried again.
    throw;
  }
  history_.push_undone(std::move(*taken));
  engine_.announce(EventType::command_undone, "", keys, 0);
  return UndoOutcome::done;
}

template <class K, class V, class H, class E>
UndoOutcome CacheManager<K, V, H, E>::redo() {
  auto taken = history_.take_redo();
  if (!taken) return UndoOutcome::nothing;
  const auto keys = taken->record.changes.size();
  try {
    if (!turn_all(taken->record)) return UndoOutcome::conflict;
  } catch (...) {
    history_.push_undone(std::move(*taken));
    throw;
  }
  history_.push_redone(std::move(*taken));
  engine_.announce(EventType::command_redone, "", keys, 0);
  return UndoOutcome::done;
}

}  // namespace tarmac
