// What undo and redo need: the executed commands, each with what its keys were before and after.
#pragma once

#include <tarmac/core/internal/entry.h>

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace tarmac::internal {

/// One key of a command. Undo and redo swap the two sides.
template <class K, class V>
struct KeyChange {
  K key;
  /// What undo (or, on the redo stack, redo) brings back; empty: no entry.
  Version<V> target;
  /// What must still be there for it, and what the step in the other direction brings back.
  Version<V> current;
};

template <class K, class V>
struct HistoryRecord {
  std::vector<KeyChange<K, V>> changes;
  std::uint64_t bytes = 0;
};

/// Tells `record` that the version of `key` with the stamp `former` was written again, as `now`.
template <class Equal, class K, class V>
void restamp(HistoryRecord<K, V>& record, const K& key, std::uint64_t former, std::uint64_t now) {
  for (auto& change : record.changes) {
    if (!Equal{}(change.key, key)) continue;
    if (change.target && change.target.stamp == former) change.target.stamp = now;
    if (change.current && change.current.stamp == former) change.current.stamp = now;
  }
}

/// Two stacks, bounded in commands and in bytes; the oldest command falls out first.
///
/// - Thread-safety: all members may be called from any thread. A record is out of both stacks while
///   it is worked on, so that no lock is held then.
template <class K, class V, class Equal>
class CommandHistory {
 public:
  using Record = HistoryRecord<K, V>;

  CommandHistory(std::uint64_t commands_max, std::uint64_t bytes_max)
      : commands_max_(commands_max), bytes_max_(bytes_max) {}

  /// A command was executed: it can be undone, and what had been undone can no longer be redone.
  void push_executed(Record record) {
    std::deque<Record> forgotten;  // Destroyed after the lock is released, with its values.
    const std::lock_guard lock(mutex_);
    forgotten.swap(redo_);
    ++generation_;
    keep(std::move(record), forgotten);
  }

  struct Taken {
    Record record;
    std::uint64_t generation;
  };
  [[nodiscard]] std::optional<Taken> take_undo() {
    const std::lock_guard lock(mutex_);
    auto taken = take(undo_);
    if (taken) undo_bytes_ -= taken->record.bytes;
    return taken;
  }
  [[nodiscard]] std::optional<Taken> take_redo() {
    const std::lock_guard lock(mutex_);
    return take(redo_);
  }
  void push_undone(Taken taken) {
    const std::lock_guard lock(mutex_);
    if (taken.generation == generation_) redo_.push_back(std::move(taken.record));
  }
  void push_redone(Taken taken) {
    std::deque<Record> forgotten;
    const std::lock_guard lock(mutex_);
    keep(std::move(taken.record), forgotten);
  }

  /// The version of `key` with the stamp `former` was written again, as `now`.
  void restamp(const K& key, std::uint64_t former, std::uint64_t now) {
    const std::lock_guard lock(mutex_);
    for (auto* stack : {&undo_, &redo_}) {
      for (auto& record : *stack) internal::restamp<Equal>(record, key, former, now);
    }
  }

  struct Depth {
    std::uint64_t undo = 0;
    std::uint64_t redo = 0;
    std::uint64_t bytes = 0;
  };
  [[nodiscard]] Depth depth() const {
    const std::lock_guard lock(mutex_);
    return {undo_.size(), redo_.size(), undo_bytes_ + bytes_of(redo_)};
  }

 private:
  [[nodiscard]] std::optional<Taken> take(std::deque<Record>& stack) {
    if (stack.empty()) return std::nullopt;
    Taken taken{std::move(stack.back()), generation_};
    stack.pop_back();
    return taken;
  }
  void keep(Record record, std::deque<Record>& forgotten) {
    undo_bytes_ += record.bytes;
    undo_.push_back(std::move(record));
    while (!undo_.empty() && (undo_.size() > commands_max_ || undo_bytes_ > bytes_max_)) {
      undo_bytes_ -= undo_.front().bytes;
      forgotten.push_back(std::move(undo_.front()));
      undo_.pop_front();
    }
  }
  [[nodiscard]] static std::uint64_t bytes_of(const std::deque<Record>& stack) {
    std::uint64_t bytes = 0;
    for (const auto& record : stack) bytes += record.bytes;
    return bytes;
  }

  const std::uint64_t commands_max_;
  const std::uint64_t bytes_max_;
  mutable std::mutex mutex_;
  std::deque<Record> undo_;
  std::deque<Record> redo_;
  std::uint64_t undo_bytes_ = 0;
  std::uint64_t generation_ = 0;
};

}  // namespace tarmac::internal
