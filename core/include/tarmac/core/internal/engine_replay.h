// Engine: content built aside from the records of a log, an image or a snapshot file. Included by
// engine.h.
#pragma once

#include <tarmac/core/internal/engine.h>
#include <tarmac/core/internal/shard_content.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>

namespace tarmac::internal {

// Builds contents aside from records in their order. The order of the records is the order of use:
// the last one was used last.
template <class K, class V, class H, class E>
struct Engine<K, V, H, E>::Replay {
  explicit Replay(const Engine& owner)
      : engine(owner), now(owner.clock_->steady_now()), wall_now(owner.clock_->wall_now()) {
    start();
  }

  void start() {
    waiting_.clear();
    contents.clear();
    line_.clear();
    gone_ = 0;
    for (std::size_t i = 0; i < engine.shards_.size(); ++i) {
      contents.push_back(std::make_shared<ShardContent<K, V>>(now));
    }
  }

  void operator()(const JournalRecord& record) {
    newest_stamp = std::max(newest_stamp, record.stamp);
    if (is_plain(record)) {
      take(record);
      return;
    }
    settle();
    switch (record.kind) {
      case JournalRecord::Kind::put:
      case JournalRecord::Kind::erase:
        write(record);
        return;
      case JournalRecord::Kind::clear:
        start();
        return;
      case JournalRecord::Kind::stored: {
        const auto found = debts.find(std::string(record.key));
        if (found != debts.end() && found->second.stamp == record.stamp) debts.erase(found);
        return;
      }
      case JournalRecord::Kind::touch:
        touch(record);
        return;
      case JournalRecord::Kind::strategy:
        swap = {std::string(record.key), std::string(record.value)};
        return;
    }
  }

  /// A put, of an entry and nothing else: what nearly all records are.
  [[nodiscard]] bool is_plain(const JournalRecord& record) const {
    return record.kind == JournalRecord::Kind::put && !record.dirty && debts.empty() &&
           is_kept(record);
  }
  [[nodiscard]] bool is_kept(const JournalRecord& record) const {
    const auto weight = record.weight.value_or(0);
    return weight <= std::numeric_limits<std::uint32_t>::max() && engine.budget_.could_hold(weight);
  }
  /// Makes the entry, and lets it wait while its place in the table is fetched from memory.
  void take(const JournalRecord& record) {
    const K key(decode<K>(record.key));
    const auto hash = engine.hash_of(key);
    contents[engine.shard_index(hash)]->table.prefetch(hash);
    waiting_.push_back(make(key, hash, record, 0));
    if (waiting_.size() == kWaitingMost) settle();
  }
  /// Puts those that wait into their places.
  void settle() {
    for (auto& entry : waiting_) {
      auto& content = *contents[engine.shard_index(entry->hash)];
      if (auto* former = find(content, entry->key, entry->hash)) {
        if (former->stamp > entry->stamp) continue;
        entry->visits = std::max(entry->visits, former->visits);
        drop(content, *former);
      }
      add(content, std::move(entry));
    }
    waiting_.clear();
  }

  void write(const JournalRecord& record) {
    const K key(decode<K>(record.key));
    const auto hash = engine.hash_of(key);
    auto& content = *contents[engine.shard_index(hash)];
    std::uint16_t visits = 0;
    if (auto* former = find(content, key, hash)) {
      if (former->stamp > record.stamp) return;
      visits = former->visits;
      drop(content, *former);
    }
    if (!debts.empty() || record.dirty) owe(record, hash);
    if (record.kind != JournalRecord::Kind::put || !is_kept(record)) return;
    add(content, make(key, hash, record, visits));
  }

  void touch(const JournalRecord& record) {
    const K key(decode<K>(record.key));
    const auto hash = engine.hash_of(key);
    auto& content = *contents[engine.shard_index(hash)];
    auto* former = find(content, key, hash);
    if (former == nullptr || former->stamp > record.stamp) return;
    auto version = former->version();
    version.stamp = record.stamp;
    set_times(version, record);
    auto entry = make(key, hash, version, former->visits);
    drop(content, *former);
    add(content, std::move(entry));
  }

  /// Ends the building: what has expired is left out and counted, what is owed is dirty.
  void finish(const StrategyFactory& factory) {
    settle();
    auto strategies = engine.make_strategies(factory);
    for (auto& content : contents) content->order.clear();
    for (auto* entry : line_) {
      if (entry == nullptr) continue;
      auto& content = *contents[engine.shard_index(entry->hash)];
      if (entry->deadline() > now) {
        content.order.push_back(entry);
      } else {
        drop(content, *entry);
        ++expired;
      }
    }
    for (std::size_t i = 0; i < contents.size(); ++i) contents[i]->rank(std::move(strategies[i]));
    for (const auto& [key, debt] : debts) {
      auto& content = *contents[engine.shard_index(debt.hash)];
      auto* entry = find(content, decode<K>(key), debt.hash);
      if (entry != nullptr && entry->stamp == debt.stamp) entry->life.move_to(EntryState::dirty);
    }
  }

  const Engine& engine;
  const SteadyNanos now;
  const WallNanos wall_now;
  std::vector<std::shared_ptr<ShardContent<K, V>>> contents;
  std::unordered_map<std::string, StoreWrite> debts;
  std::optional<LoggedSwap> swap;
  std::uint64_t newest_stamp = 0;
  std::uint64_t expired = 0;

 private:
  template <class T>
  [[nodiscard]] T decode(std::string_view bytes) const {
    try {
      return Codec<T>::decode(bytes);
    } catch (const StoreError& error) {
      throw DurabilityError("cache \"" + engine.options_.name +
                            "\": a record is of other types than this cache's: " + error.what());
    }
  }
  static EntryType* find(const ShardContent<K, V>& content, const K& key, std::uint64_t hash) {
    return static_cast<EntryType*>(content.table.find(hash, [&key](const EntryNode& node) {
      return E{}(static_cast<const EntryType&>(node).key, key);
    }));
  }
  void drop(ShardContent<K, V>& content, EntryType& entry) {
    line_[entry.accessed_at - 1] = nullptr;
    ++gone_;
    content.table.erase(entry);
    if (entry.timer) content.wheel->cancel(*entry.timer);
    content.weight -= entry.weight;
    static_cast<void>(Ref<EntryType>::adopt(&entry));
  }
  // The wall clock may have been set since: no more may remain than there was at first.
  void set_times(Version<V>& version, const JournalRecord& record) const {
    version.created_at = now;
    version.deadline = kNever;
    if (!record.expires_at) return;
    auto remaining = *record.expires_at > wall_now ? *record.expires_at - wall_now : 0;
    if (record.ttl > 0) remaining = std::min(remaining, record.ttl);
    version.deadline = deadline_after(now, remaining);
    if (record.ttl > 0) version.created_at = version.deadline - record.ttl;
  }
  [[nodiscard]] Ref<EntryType> make(const K& key, std::uint64_t hash, const JournalRecord& record,
                                    std::uint16_t former_visits) const {
    constexpr std::uint64_t kMost = EntryNode::kMaxVisits;
    const auto visits = std::clamp<std::uint64_t>(record.visits, former_visits, kMost);
    Version<V> version;
    version.content = Content<V>(decode<V>(record.value));
    version.stamp = record.stamp;
    version.weight = static_cast<std::uint32_t>(record.weight.value_or(0));
    set_times(version, record);
    return make(key, hash, version, static_cast<std::uint16_t>(visits));
  }
  [[nodiscard]] Ref<EntryType> make(const K& key, std::uint64_t hash, const Version<V>& version,
                                    std::uint16_t visits) const {
    const SnapshotRecord<K, V> as_used_now{{}, version, deadline_of(version), 0, 0, visits};
    return engine.revive(key, hash, as_used_now, now);
  }
  void add(ShardContent<K, V>& content, Ref<EntryType> entry) {
    close_gaps();
    entry->inserted_at = entry->accessed_at = static_cast<std::uint32_t>(line_.size() + 1);
    line_.push_back(entry.get());
    const auto& shard = *engine.shards_[engine.shard_index(entry->hash)];
    content.add(std::move(entry), shard.expected_entries);
  }
  // Else the line would grow with the log, not with what is left of it.
  void close_gaps() {
    constexpr std::size_t kGapsLeast = 1024;
    if (gone_ < kGapsLeast || gone_ < line_.size() / 2) return;
    std::erase(line_, nullptr);
    gone_ = 0;
    std::uint32_t tick = 0;
    for (auto* entry : line_) entry->inserted_at = entry->accessed_at = ++tick;
  }
  [[nodiscard]] SteadyNanos deadline_of(const Version<V>& version) const {
    const auto& idle = engine.options_.expire_after_access;
    if (!idle) return version.deadline;
    return std::min(version.deadline, deadline_after(now, idle->count()));
  }
  void owe(const JournalRecord& record, std::uint64_t hash) {
    std::string key(record.key);
    const auto found = debts.find(key);
    if (found != debts.end() && found->second.stamp > record.stamp) return;
    if (!record.dirty) {
      if (found != debts.end()) debts.erase(found);
      return;
    }
    StoreWrite debt{key, {}, record.stamp, record.expires_at, hash};
    if (record.kind == JournalRecord::Kind::put) debt.value = std::string(record.value);
    debts.insert_or_assign(std::move(key), std::move(debt));
  }

  /// The entries by the order of their records, so that nothing has to be sorted; a tick is the
  /// place in it, from 1. Null: it went.
  std::vector<EntryType*> line_;
  std::size_t gone_ = 0;
  /// Entries whose places are on their way from memory.
  static constexpr std::size_t kWaitingMost = 16;
  std::vector<Ref<EntryType>> waiting_;
};

}  // namespace tarmac::internal
