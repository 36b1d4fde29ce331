// Engine: images of the content, in a log or in a file of their own. Included by engine.h.
#pragma once

#include <tarmac/core/internal/engine.h>

#include <algorithm>
#include <unordered_map>

namespace tarmac::internal {

/// An entry on its way into an image.
template <class K, class V>
struct ImageEntry {
  Ref<Entry<K, V>> key_owner;
  Version<V> version;
  std::uint32_t accessed_at;
  std::uint16_t visits;
};

// Of one moment, and no write that the log had before it is missing: with the gate closed none is
// between log and cache.
template <class K, class V, class H, class E>
std::shared_ptr<SnapshotData<K, V>> Engine<K, V, H, E>::copy_for_image(
    std::unique_ptr<ImageWriter>& writer, std::vector<StoreWrite>& debts) {
  auto data = std::make_shared<SnapshotData<K, V>>();
  data->shards.resize(shards_.size());
  const auto admin = lock_admin();
  {
    const Gate::Closure closed(gate_);
    writer = log_->begin_image(image_header(strategy()));
    debts = log_->debts().all();
    order_copies(*data);
  }
  make_copies();
  return data;
}

template <class K, class V, class H, class E>
ImageHeader Engine<K, V, H, E>::image_header(const StrategyChoice& choice) const {
  const auto current = policy();
  return {options_.name,      choice.name,     std::string(current ? current->name() : "none"),
          clock_->wall_now(), choice.spelling, configured().spelling};
}

template <class K, class V, class H, class E>
std::vector<std::vector<ImageEntry<K, V>>> Engine<K, V, H, E>::image_entries(
    const SnapshotData<K, V>& data) {
  std::vector<std::vector<ImageEntry<K, V>>> entries;
  for (const auto& shard : data.shards) {
    auto& some = entries.emplace_back();
    some.reserve(shard.records.size());
    for (const auto& one : shard.records) {
      some.push_back({one.key_owner, one.version, one.accessed_at, one.visits});
    }
  }
  return entries;
}

// A restart may have other shards, so theirs are mixed: what is in the middle of a shard's order
// comes to the middle of all.
template <class K, class V, class H, class E>
void Engine<K, V, H, E>::write_image(ImageWriter& writer,
                                     std::vector<std::vector<ImageEntry<K, V>>> entries,
                                     const std::vector<StoreWrite>& debts) const {
  std::unordered_map<std::string_view, const StoreWrite*> owed;
  for (const auto& debt : debts) owed.emplace(debt.key, &debt);
  std::vector<std::pair<double, const ImageEntry<K, V>*>> order;
  for (auto& shard : entries) {
    std::stable_sort(shard.begin(), shard.end(), [](const auto& a, const auto& b) {
      return is_older(a.accessed_at, b.accessed_at);
    });
    const auto size = static_cast<double>(shard.size());
    for (const auto& one : shard) {
      order.emplace_back(static_cast<double>(&one - shard.data()) / size, &one);
    }
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [place, one] : order) {
    const auto write = encode(one->key_owner->key, one->key_owner->hash, one->version);
    if (!write.value) continue;  // Its time has run out meanwhile.
    auto record = record_of(write, one->version);
    record.visits = one->visits;
    const auto found = owed.find(write.key);
    if (found != owed.end()) {
      if (found->second->stamp > write.stamp) continue;
      record.dirty = found->second->stamp == write.stamp;
      owed.erase(found);
    }
    writer.add(record);
  }
  for (const auto& [key, debt] : owed) writer.add(debt_record(*debt));
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::compact() {
  if (!log_) {
    throw UsageError("cache \"" + options_.name +
                     "\": compact() needs a durable cache; set CacheOptions::durability");
  }
  std::shared_ptr<SnapshotData<K, V>> data;  // Before the lock, as values are destroyed with it.
  const auto image = lock_whole(image_mutex_);
  const auto gaps = log_->gaps();
  std::unique_ptr<ImageWriter> writer;
  std::vector<StoreWrite> debts;
  data = copy_for_image(writer, debts);
  write_image(*writer, image_entries(*data), debts);
  writer->publish();
  log_->close_gaps(gaps);
}

template <class K, class V, class H, class E>
SteadyNanos Engine<K, V, H, E>::compact_in_background() {
  constexpr std::int64_t kFirstPause = 1'000'000'000;
  constexpr std::uint64_t kDoublingsMax = 6;
  if (!log_->wants_image()) return kNever;
  try {
    compact();
    compaction_failures_ = 0;
    return kNever;
  } catch (const std::exception& error) {
    const auto pause = kFirstPause << std::min(compaction_failures_++, kDoublingsMax);
    const auto again = deadline_after(clock_->steady_now(), pause);
    next_compaction_.store(again, std::memory_order_relaxed);
    log_->count_error();
    announce(EventType::durability_error, error.what(), 1, 0);
    return again;
  }
}

// The store goes first, as without a log; if the log refuses then, what the store held is put back,
// where it can tell what that was. Requires: the gate is closed, and image_mutex_.
template <class K, class V, class H, class E>
void Engine<K, V, H, E>::restore_logged(
    const SnapshotData<K, V>& snapshot,
    std::vector<std::shared_ptr<ShardContent<K, V>>>& contents) {
  auto* active = active_policy_.load(std::memory_order_relaxed);
  const auto before = active != nullptr ? active->image() : nullptr;
  restore_store(snapshot, contents);
  try {
    log_restored(snapshot, contents);
  } catch (const DurabilityError& error) {
    if (log_->forgives(error)) return;
    if (before) active->put_back(*before);
    throw;
  }
}

// An image, since no record could hold so much: it counts at once and as a whole.
template <class K, class V, class H, class E>
void Engine<K, V, H, E>::log_restored(
    const SnapshotData<K, V>& snapshot,
    const std::vector<std::shared_ptr<ShardContent<K, V>>>& contents) {
  if constexpr (Encodable<K> && Encodable<V>) {
    const auto* active = active_policy_.load(std::memory_order_relaxed);
    const auto gaps = log_->gaps();
    std::vector<StoreWrite> debts;
    for (auto& debt : log_->debts().all()) {
      auto pending = active ? active->pending(debt.key) : std::optional(std::move(debt));
      if (pending) debts.push_back(std::move(*pending));
    }
    std::vector<std::vector<ImageEntry<K, V>>> entries;
    for (const auto& content : contents) {
      auto& some = entries.emplace_back();
      for (auto* node : content->order) {
        auto& entry = static_cast<EntryType&>(*node);
        some.push_back({Ref<EntryType>(&entry), entry.version(), entry.accessed_at, entry.visits});
        if (!active) continue;
        if (auto owed = active->pending(Codec<K>::encode(entry.key))) {
          debts.push_back(std::move(*owed));
        }
      }
    }
    auto writer = log_->begin_image(image_header(snapshot.choice));
    write_image(*writer, std::move(entries), debts);
    writer->publish();
    log_->close_gaps(gaps);
    log_->debts().replace(std::move(debts));
    // What was stored while this was written has found no debt to pay.
    for (const auto& debt : log_->debts().all()) {
      if (active && !active->pending(debt.key)) note_stored(debt);
    }
  }
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::save_snapshot(const std::filesystem::path& file) {
  refuse_uncoded("save_snapshot()");
  const auto format = snapshot_format_registry().make("tarmac");
  const auto data = take_snapshot();
  auto writer =
      format->create(file, {data->cache_name, data->strategy, data->write_policy, data->taken_at});
  write_image(*writer, image_entries(*data), {});
  writer->publish();
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::load_snapshot(const std::filesystem::path& file) {
  refuse_uncoded("load_snapshot()");
  refuse_inside_compute("load_snapshot()");
  if constexpr (Encodable<K> && Encodable<V>) {
    SnapshotData<K, V> as_found;
    as_found.choice = strategy();
    as_found.strategy = as_found.choice.name;
    Replay replay(*this);
    static_cast<void>(snapshot_format_registry().make("tarmac")->read(
        file, [&replay](const JournalRecord& one) { replay(one); }));
    auto contents = replay.finish(as_found.choice.factory);
    replace_content(as_found, contents);
  }
}

template <class K, class V, class H, class E>
void Engine<K, V, H, E>::refuse_uncoded(const char* call) const {
  if constexpr (!Encodable<K> || !Encodable<V>) {
    throw UsageError("cache \"" + options_.name + "\": " + call +
                     " needs a tarmac::Codec for the key and value types; specialise it (see "
                     "<tarmac/core/codec.h>)");
  }
}

}  // namespace tarmac::internal
