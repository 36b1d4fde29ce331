// What the backing store is owed, as records of a log say it.
#pragma once

#include <tarmac/core/backing_store.h>
#include <tarmac/core/journal.h>

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tarmac::internal {

/// The newest write of each key that is not known to be in the store. Thread-safety: not
/// synchronised.
class ReplayedDebts {
 public:
  /// Takes note of a `put` or an `erase`: one that is dirty is owed, another one ends what was.
  void note(const JournalRecord& record, std::uint64_t hash) {
    std::string key(record.key);
    const auto found = by_key_.find(key);
    if (found != by_key_.end() && found->second.stamp > record.stamp) return;
    if (!record.dirty) {
      if (found != by_key_.end()) by_key_.erase(found);
      return;
    }
    StoreWrite debt{key, {}, record.stamp, record.expires_at, hash};
    if (record.kind == JournalRecord::Kind::put) debt.value = std::string(record.value);
    by_key_.insert_or_assign(std::move(key), std::move(debt));
  }
  /// Takes note of a `stored`.
  void pay(const JournalRecord& record) {
    const auto found = by_key_.find(std::string(record.key));
    if (found != by_key_.end() && found->second.stamp == record.stamp) by_key_.erase(found);
  }
  [[nodiscard]] bool empty() const noexcept { return by_key_.empty(); }
  [[nodiscard]] const std::unordered_map<std::string, StoreWrite>& by_key() const noexcept {
    return by_key_;
  }
  [[nodiscard]] std::vector<StoreWrite> take() {
    std::vector<StoreWrite> debts;
    debts.reserve(by_key_.size());
    for (auto& [key, debt] : by_key_) debts.push_back(std::move(debt));
    by_key_.clear();
    return debts;
  }

 private:
  std::unordered_map<std::string, StoreWrite> by_key_;
};

}  // namespace tarmac::internal
