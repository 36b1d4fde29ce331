// The memory of entries that have left, for those that come: in a full cache nearly each insertion
// evicts, and the victim's memory is at hand.
#pragma once

#include <tarmac/core/internal/ref.h>

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace tarmac::internal {

/// A few pieces of memory, each for one entry. Only for entries whose key and value no destructor
/// belongs to: those of others run without the shard's lock.
/// Thread-safety: guarded by the shard's lock.
template <class EntryType>
class EntrySpares {
 public:
  EntrySpares() = default;
  EntrySpares(const EntrySpares&) = delete;
  EntrySpares& operator=(const EntrySpares&) = delete;
  ~EntrySpares() {
    while (count_ > 0) ::operator delete(memory_[--count_]);
  }

  /// Takes over the reference to an entry that nobody can find, unless there is enough already.
  [[nodiscard]] bool take(EntryType& entry) noexcept {
    if (count_ == memory_.size()) return false;
    if (!entry.release()) return true;  // Somebody has it pinned, and will delete it.
    std::destroy_at(&entry);
    memory_[count_++] = &entry;
    return true;
  }
  template <class... Parts>
  [[nodiscard]] Ref<EntryType> make(Parts&&... parts) {
    if (count_ == 0) return Ref<EntryType>(new EntryType(std::forward<Parts>(parts)...));
    void* const memory = memory_[count_ - 1];
    Ref<EntryType> made(::new (memory) EntryType(std::forward<Parts>(parts)...));
    --count_;
    return made;
  }

 private:
  std::size_t count_ = 0;
  std::array<void*, 8> memory_{};
};

}  // namespace tarmac::internal
