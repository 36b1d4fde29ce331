// The content of one shard while it is built aside from records.
#pragma once

#include <tarmac/core/internal/shard_content.h>
#include <tarmac/core/lookup.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace tarmac::internal {

/// Entries come in the order of their use, and their ticks are their places in it, from 1, so that
/// nothing has to be sorted in the end. Thread-safety: not synchronised.
template <class K, class V, class Equal>
class ShardBuild {
 public:
  using EntryType = Entry<K, V>;

  /// `expected`: how many entries the table is to end at.
  ShardBuild(SteadyNanos now, std::uint64_t expected)
      : expected_(expected), content_(std::make_shared<ShardContent<K, V>>(now)) {}

  void fetch(std::uint64_t hash) const noexcept { content_->table.prefetch_to_insert(hash); }
  [[nodiscard]] EntryType* find(lookup_key_t<K> key, std::uint64_t hash) const {
    return static_cast<EntryType*>(content_->table.find(hash, [key](const EntryNode& node) {
      return Equal{}(static_cast<const EntryType&>(node).key, key);
    }));
  }
  /// Requires: there is none of the key.
  void add(Ref<EntryType> entry) {
    auto& order = content_->order;
    if (gone_ >= kGapsLeast && gone_ >= order.size() / 2) close_gaps();
    order.push_back(entry.get());
    give_place(*entry, order.size());
    content_->add(std::move(entry), expected_);
  }
  /// The same in place of an older one of the key; if that is newer, it stays.
  void put(Ref<EntryType> entry) {
    if (auto* former = find(entry->key, entry->hash)) {
      if (former->stamp > entry->stamp) return;
      entry->visits = std::max(entry->visits, former->visits);
      drop(*former);
    }
    add(std::move(entry));
  }
  void drop(EntryType& entry) {
    content_->order[entry.accessed_at - 1] = nullptr;
    ++gone_;
    content_->remove(entry);
  }

  /// Ends the building. Returns how many entries were left out because their time is over at `now`.
  std::uint64_t end(std::unique_ptr<EvictionStrategy> strategy, SteadyNanos now) {
    auto& order = content_->order;
    std::erase(order, nullptr);
    const auto before = order.size();
    if (!content_->wheel->empty()) {
      std::erase_if(order, [&](EntryNode* node) {
        auto& entry = static_cast<EntryType&>(*node);
        if (entry.deadline() > now) return false;
        content_->remove(entry);
        return true;
      });
    }
    content_->rank(std::move(strategy));
    return before - order.size();
  }
  [[nodiscard]] const std::shared_ptr<ShardContent<K, V>>& content() const noexcept {
    return content_;
  }

 private:
  static constexpr std::size_t kGapsLeast = 1024;

  static void give_place(EntryNode& entry, std::size_t place) noexcept {
    entry.inserted_at = entry.accessed_at = static_cast<std::uint32_t>(place);
  }
  // Else the order would grow with the records, not with what is left of them.
  void close_gaps() {
    auto& order = content_->order;
    std::erase(order, nullptr);
    gone_ = 0;
    for (std::size_t i = 0; i < order.size(); ++i) give_place(*order[i], i + 1);
  }

  std::uint64_t expected_;
  std::shared_ptr<ShardContent<K, V>> content_;
  /// So many places in the order are null: what stood there went.
  std::size_t gone_ = 0;
};

}  // namespace tarmac::internal
