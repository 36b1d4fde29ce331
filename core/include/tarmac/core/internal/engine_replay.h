// Engine: content built aside from the records of a log, an image or a snapshot file. Included by
// engine.h.
#pragma once

#include <tarmac/core/internal/crew.h>
#include <tarmac/core/internal/engine.h>
#include <tarmac/core/internal/record_batch.h>
#include <tarmac/core/internal/replayed_debts.h>
#include <tarmac/core/internal/shard_build.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <optional>
#include <string>

namespace tarmac::internal {

// Builds contents aside from records in their order. The order of the records is the order of use:
// the last one was used last. What nearly all records are, puts of entries, waits until there are
// many, and then each of a few threads makes those of its own shards, while the next are read.
template <class K, class V, class H, class E>
struct Engine<K, V, H, E>::Replay {
  explicit Replay(const Engine& owner)
      : engine(owner),
        now(owner.clock_->steady_now()),
        wall_now(owner.clock_->wall_now()),
        crew_(std::min(owner.shards_.size(), kMembersMost)) {
    start();
  }

  void start() {
    reading().clear();
    shards_.clear();
    for (const auto& shard : engine.shards_) shards_.emplace_back(now, shard->expected_entries);
  }

  void operator()(const JournalRecord& record) {
    newest_stamp = std::max(newest_stamp, record.stamp);
    if (is_plain(record)) {
      const auto hash = engine.hash_of(key_of(record));
      if (!reading().has_room_for(record)) hand_over(/*is_full=*/!reading().records().empty());
      reading().add(record, hash);
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
      case JournalRecord::Kind::stored:
        debts.pay(record);
        return;
      case JournalRecord::Kind::touch:
        touch(record);
        return;
      case JournalRecord::Kind::strategy:
        swap = {std::string(record.key), std::string(record.value)};
        return;
    }
  }

  /// Of an entry and nothing else.
  [[nodiscard]] bool is_plain(const JournalRecord& record) const {
    return (record.kind == JournalRecord::Kind::put || record.kind == JournalRecord::Kind::erase) &&
           !record.dirty && debts.empty();
  }
  [[nodiscard]] bool is_kept(const JournalRecord& record) const {
    const auto weight = record.weight.value_or(0);
    return weight <= std::numeric_limits<std::uint32_t>::max() && engine.budget_.could_hold(weight);
  }
  /// Brings those that wait to their places.
  void settle() {
    if (!reading().records().empty()) hand_over(/*is_full=*/false);
    crew_.end();
  }

  void write(const JournalRecord& record) {
    const auto& key = key_of(record);
    const auto hash = engine.hash_of(key);
    const auto* former = shard_of(hash).find(key, hash);
    if (former != nullptr && former->stamp > record.stamp) return;
    debts.note(record, hash);
    apply(record, hash);
  }

  void touch(const JournalRecord& record) {
    const auto& key = key_of(record);
    const auto hash = engine.hash_of(key);
    auto& shard = shard_of(hash);
    auto* former = shard.find(key, hash);
    if (former == nullptr || former->stamp > record.stamp) return;
    auto version = former->version();
    version.stamp = record.stamp;
    set_times(version, record);
    auto entry = make(key, hash, version, former->visits);
    shard.drop(*former);
    shard.add(std::move(entry));
  }

  /// Ends the building: what has expired is left out and counted, what is owed is dirty.
  [[nodiscard]] std::vector<std::shared_ptr<ShardContent<K, V>>> finish(
      const StrategyFactory& factory) {
    settle();
    auto strategies = engine.make_strategies(factory);
    std::atomic<std::uint64_t> left_out{0};
    const auto end_own = [&](std::size_t member, std::size_t members) {
      for (auto i = member; i < shards_.size(); i += members) {
        left_out += shards_[i].end(std::move(strategies[i]), now);
      }
    };
    if (has_many_) {
      crew_.run(end_own);
    } else {
      end_own(0, 1);
    }
    expired = left_out;
    for (const auto& [key, debt] : debts.by_key()) {
      auto* entry = shard_of(debt.hash).find(decode<K>(key), debt.hash);
      if (entry != nullptr && entry->stamp == debt.stamp) entry->life.move_to(EntryState::dirty);
    }
    std::vector<std::shared_ptr<ShardContent<K, V>>> contents;
    for (const auto& shard : shards_) contents.push_back(shard.content());
    shards_.clear();
    return contents;
  }

  const Engine& engine;
  const SteadyNanos now;
  const WallNanos wall_now;
  ReplayedDebts debts;
  std::optional<LoggedSwap> swap;
  std::uint64_t newest_stamp = 0;
  std::uint64_t expired = 0;

 private:
  using Build = ShardBuild<K, V, E>;

  template <class T>
  [[nodiscard]] T decode(std::string_view bytes) const {
    try {
      return Codec<T>::decode(bytes);
    } catch (const StoreError& error) {
      throw DurabilityError("cache \"" + engine.options_.name +
                            "\": a record is of other types than this cache's: " + error.what());
    }
  }
  [[nodiscard]] Build& shard_of(std::uint64_t hash) { return shards_[engine.shard_index(hash)]; }

  /// Records that are read while those before them are made entries.
  [[nodiscard]] RecordBatch& reading() noexcept { return batches_[turn_]; }
  void hand_over(bool is_full) {
    const auto& batch = reading();
    crew_.end();
    // Few are done alone: waking a thread takes longer.
    has_many_ = has_many_ || (crew_.is_more_than_one() && is_full);
    const auto others = [this, &batch](std::size_t member, std::size_t all) {
      put_own(batch, member, all);
    };
    const auto members = has_many_ ? crew_.begin(others) : 1;
    put_own(batch, 0, members);
    turn_ = 1 - turn_;
    reading().clear();
  }
  /// The first member also reads, and has half as many shards as each of the others.
  void put_own(const RecordBatch& batch, std::size_t member, std::size_t members) {
    const auto shares = 2 * members - 1;
    const auto records = batch.records();
    const auto hashes = batch.hashes();
    const auto is_own = [&](std::uint64_t hash) {
      return (engine.shard_index(hash) % shares + 1) / 2 == member;
    };
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (i + kAhead < records.size() && is_own(hashes[i + kAhead])) {
        shard_of(hashes[i + kAhead]).fetch(hashes[i + kAhead]);
      }
      if (is_own(hashes[i])) apply(records[i], hashes[i]);
    }
  }
  void apply(const JournalRecord& record, std::uint64_t hash) {
    auto& shard = shard_of(hash);
    if (record.kind == JournalRecord::Kind::put && is_kept(record)) {
      shard.put(make(record, hash));
    } else if (auto* former = shard.find(key_of(record), hash)) {
      if (former->stamp <= record.stamp) shard.drop(*former);
    }
  }
  /// The bytes of a string are the key; another key is made of them.
  [[nodiscard]] auto key_of(const JournalRecord& record) const {
    if constexpr (std::is_same_v<K, std::string>) {
      return record.key;
    } else {
      return decode<K>(record.key);
    }
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
  [[nodiscard]] Ref<EntryType> make(const JournalRecord& record, std::uint64_t hash) const {
    Version<V> version;
    version.content = Content<V>(decode<V>(record.value));
    version.stamp = record.stamp;
    version.weight = static_cast<std::uint32_t>(record.weight.value_or(0));
    set_times(version, record);
    const auto visits = std::min<std::uint64_t>(record.visits, EntryNode::kMaxVisits);
    return make(key_of(record), hash, std::move(version), static_cast<std::uint16_t>(visits));
  }
  [[nodiscard]] Ref<EntryType> make(Key key, std::uint64_t hash, Version<V> version,
                                    std::uint16_t visits) const {
    const auto deadline = deadline_of(version);
    const SnapshotRecord<K, V> as_used_now{{}, std::move(version), deadline, 0, 0, visits};
    return engine.revive(key, hash, as_used_now, now);
  }
  [[nodiscard]] SteadyNanos deadline_of(const Version<V>& version) const {
    const auto& idle = engine.options_.expire_after_access;
    if (!idle) return version.deadline;
    return std::min(version.deadline, deadline_after(now, idle->count()));
  }
  static constexpr std::size_t kMembersMost = 4;
  /// So many places further the table is fetched from memory.
  static constexpr std::size_t kAhead = 16;
  std::vector<Build> shards_;
  std::array<RecordBatch, 2> batches_;
  std::size_t turn_ = 0;
  bool has_many_ = false;
  Crew crew_;  ///< last: its threads work on all of the above
};

}  // namespace tarmac::internal
