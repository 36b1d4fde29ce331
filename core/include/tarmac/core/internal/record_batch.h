// Records that wait, with the bytes of keys and values that they show.
#pragma once

#include <tarmac/core/journal.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac::internal {

/// A bounded number of them. Thread-safety: const members may be called from any thread.
class RecordBatch {
 public:
  RecordBatch() {
    records_.reserve(kMost);
    hashes_.reserve(kMost);
  }
  RecordBatch(const RecordBatch&) = delete;
  RecordBatch& operator=(const RecordBatch&) = delete;

  [[nodiscard]] bool has_room_for(const JournalRecord& record) const noexcept {
    return records_.size() < kMost && bytes_.size() + bytes_of(record) <= bytes_.capacity();
  }
  /// Requires: there is room, or nothing waits. `hash` is the key's.
  void add(const JournalRecord& record, std::uint64_t hash) {
    // The views that were given out stay what they are: nothing moves while something waits.
    if (records_.empty()) bytes_.reserve(std::max(bytes_of(record), kBytes));
    auto& own = records_.emplace_back(record);
    own.key = keep(record.key);
    own.value = keep(record.value);
    hashes_.push_back(hash);
  }
  [[nodiscard]] std::span<const JournalRecord> records() const noexcept { return records_; }
  [[nodiscard]] std::span<const std::uint64_t> hashes() const noexcept { return hashes_; }
  void clear() noexcept {
    records_.clear();
    hashes_.clear();
    bytes_.clear();
  }

 private:
  static constexpr std::size_t kMost = 1024;
  static constexpr std::size_t kBytes = std::size_t{256} << 10U;

  static std::size_t bytes_of(const JournalRecord& record) noexcept {
    return record.key.size() + record.value.size();
  }
  std::string_view keep(std::string_view bytes) {
    const auto at = bytes_.size();
    bytes_ += bytes;
    return std::string_view(bytes_).substr(at);
  }

  std::vector<JournalRecord> records_;
  std::vector<std::uint64_t> hashes_;
  std::string bytes_;
};

}  // namespace tarmac::internal
