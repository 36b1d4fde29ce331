// Writes that a shard keeps for the write policy, as bytes, until somebody asks for them.
#pragma once

#include <tarmac/core/codec.h>
#include <tarmac/core/write_intake.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tarmac::internal {

/// What a codec makes of a key or value, for as long as that lives; a string is not copied.
template <class T>
class EncodedBytes {
 public:
  explicit EncodedBytes(const T& object) : bytes_(Codec<T>::encode(object)) {}
  [[nodiscard]] std::string_view view() const noexcept { return bytes_; }

 private:
  const std::string bytes_;
};

template <>
class EncodedBytes<std::string> {
 public:
  explicit EncodedBytes(std::string_view text) noexcept : text_(text) {}
  [[nodiscard]] std::string_view view() const noexcept { return text_; }

 private:
  const std::string_view text_;
};

/// Has a line of memory fetched away from whoever has it. Of the compilers' own way to say so GCC
/// and Clang make a mere read, unless told which processor it will be; this one does nothing on
/// older ones. The address may be of no object.
inline void prefetch_to_write(const char* line) noexcept {
#if defined(__x86_64__)
  asm volatile("prefetchw (%0)" : : "r"(line));
#else
  __builtin_prefetch(line, 1);
#endif
}

/// How many writes a block had; nothing if there was no block.
using HandedOver = std::optional<std::size_t>;

struct SetAsideWrite {
  static constexpr WallNanos kNoExpiry = std::numeric_limits<WallNanos>::max();

  [[nodiscard]] std::size_t size() const noexcept { return key.size() + value.size(); }
  [[nodiscard]] StoreWrite to_store() const {
    StoreWrite write;
    write.key = key;
    write.value = value;
    write.stamp = stamp;
    if (expires_at != kNoExpiry) write.expires_at = expires_at;
    write.hash = hash;
    return write;
  }

  std::string_view key;
  std::string_view value;
  std::uint64_t stamp = 0;
  std::uint64_t hash = 0;
  WallNanos expires_at = kNoExpiry;
};

/// In the order in which they came, one after the other in blocks of memory.
///
/// - Thread-safety: guarded by the shard's lock; but a sealed block may be read without it by
///   whoever will take it out.
class SetAside {
 public:
  /// Key and value together. Each is copied twice more than without this, which for a larger one
  /// would cost more than it saves.
  static constexpr std::size_t kBytesMax = 64U << 10U;
  /// Of all that is here, if the last write goes a little beyond it. Writes of one key are not
  /// joined here, and whoever writes it again and again must not be able to fill the memory.
  static constexpr std::size_t kAllBytesMax = 16U << 20U;

  class Block {
   public:
    [[nodiscard]] WriteIntake& intake() const noexcept { return *intake_; }
    [[nodiscard]] SteadyNanos since() const noexcept { return since_; }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    /// From the oldest to the newest.
    template <class Visit>
    void for_each(Visit visit) const {
      for (std::size_t at = 0; at < used_;) {
        Head head;
        std::memcpy(&head, &memory_[at], sizeof(Head));
        const char* bytes = &memory_[at + sizeof(Head)];
        visit(SetAsideWrite{.key = {bytes, head.key_bytes},
                            .value = {bytes + head.key_bytes, head.value_bytes},
                            .stamp = head.stamp,
                            .hash = head.hash,
                            .expires_at = head.expires_at});
        at += sizeof(Head) + head.key_bytes + head.value_bytes;
      }
    }

   private:
    friend SetAside;
    struct Head {
      std::uint64_t stamp;
      std::uint64_t hash;
      WallNanos expires_at;
      std::uint64_t key_bytes;
      std::uint64_t value_bytes;
    };
    [[nodiscard]] bool has_room(std::size_t bytes) const noexcept {
      return !is_sealed_ && size_ - used_ >= sizeof(Head) + bytes;
    }

    WriteIntake* intake_ = nullptr;
    SteadyNanos since_ = kNever;
    std::size_t size_ = 0;
    std::size_t used_ = 0;
    std::size_t count_ = 0;
    bool is_sealed_ = false;
    std::unique_ptr<char[]> memory_;
  };

  /// Makes sure that the next add(), of so many bytes and for `intake`, has its place. Returns the
  /// time if nothing else waits, or only what somebody is handing over, who knows of nothing newer.
  [[nodiscard]] std::optional<SteadyNanos> reserve(std::size_t bytes, WriteIntake& intake,
                                                   const Clock& clock) {
    if (!blocks_.empty() && blocks_.back().has_room(bytes) && blocks_.back().intake_ == &intake)
        [[likely]] {
      return std::nullopt;
    }
    return open_block(bytes, intake, clock);
  }
  /// Nothing is added after all: takes a block back that reserve() has opened for it, under the
  /// same lock, so that nobody has seen it. The next one tells the time again.
  void take_back() noexcept {
    if (blocks_.empty() || blocks_.back().count_ != 0) return;
    bytes_ -= blocks_.back().size_;
    if (blocks_.back().size_ == kBlockBytes) spare_ = std::move(blocks_.back().memory_);
    blocks_.pop_back();
    --opened_;
  }
  void add(const SetAsideWrite& write) noexcept {
    auto& block = blocks_.back();
    // Number by number: put together elsewhere first, it would have to wait for earlier writes.
    char* to = &block.memory_[block.used_];
    const auto put = [&to](std::uint64_t number) {
      std::memcpy(to, &number, sizeof(number));
      to += sizeof(number);
    };
    put(write.stamp);
    put(write.hash);
    put(static_cast<std::uint64_t>(write.expires_at));
    put(write.key.size());
    put(write.value.size());
    std::memcpy(to, write.key.data(), write.key.size());
    std::memcpy(to + write.key.size(), write.value.data(), write.value.size());
    const auto bytes = sizeof(Block::Head) + write.size();
    block.used_ += bytes;
    ++block.count_;
    // For the next one, which is likely to be as long: whoever read this memory last was another
    // thread, and the lock is not released before it is here again.
    constexpr std::size_t kLine = 64;
    constexpr std::size_t kLinesMax = 8;
    const char* next = &block.memory_[block.used_];
    const auto most = std::min(bytes + kLine - 1, kLine * kLinesMax);
    for (std::size_t at = 0; at <= most; at += kLine) prefetch_to_write(next + at);
  }

  [[nodiscard]] bool is_full() const noexcept { return bytes_ >= kAllBytesMax; }
  /// Blocks are numbered from 1. The number of the last one, and of the oldest that is here; if
  /// none is, that is the next.
  [[nodiscard]] std::uint64_t blocks_opened() const noexcept { return opened_; }
  [[nodiscard]] std::uint64_t first_block() const noexcept { return opened_ - blocks_.size() + 1; }
  /// Since when what is here waits; kNever if nothing is.
  [[nodiscard]] SteadyNanos oldest_since() const noexcept {
    return blocks_.empty() ? kNever : blocks_.front().since_;
  }
  /// The oldest block, which gets no more writes. Requires: there is one.
  [[nodiscard]] const Block& seal_first() noexcept {
    blocks_.front().is_sealed_ = true;
    return blocks_.front();
  }
  void drop_first() noexcept {
    bytes_ -= blocks_.front().size_;
    if (blocks_.front().size_ == kBlockBytes) spare_ = std::move(blocks_.front().memory_);
    blocks_.pop_front();
  }
  /// The newest write of a key.
  [[nodiscard]] std::optional<StoreWrite> find(std::string_view key, std::uint64_t hash) const {
    for (auto block = blocks_.rbegin(); block != blocks_.rend(); ++block) {
      std::optional<SetAsideWrite> newest;
      block->for_each([&](const SetAsideWrite& write) {
        if (write.hash == hash && write.key == key) newest = write;
      });
      if (newest) return newest->to_store();
    }
    return std::nullopt;
  }

 private:
  static constexpr std::size_t kBlockBytes = 8U << 10U;

  [[gnu::noinline]] std::optional<SteadyNanos> open_block(std::size_t bytes, WriteIntake& intake,
                                                          const Clock& clock) {
    const bool is_first = blocks_.empty() || blocks_.back().is_sealed_;
    Block block;
    block.intake_ = &intake;
    block.since_ = clock.steady_now();
    block.size_ = std::max(kBlockBytes, sizeof(Block::Head) + bytes);
    if (block.size_ == kBlockBytes) block.memory_ = std::move(spare_);
    if (!block.memory_) block.memory_.reset(new char[block.size_]);
    blocks_.push_back(std::move(block));
    bytes_ += blocks_.back().size_;
    ++opened_;
    return is_first ? std::optional(blocks_.back().since_) : std::nullopt;
  }

  std::deque<Block> blocks_;
  std::uint64_t opened_ = 0;
  /// Of the blocks.
  std::size_t bytes_ = 0;
  /// Of the block that was last dropped.
  std::unique_ptr<char[]> spare_;
};

}  // namespace tarmac::internal
