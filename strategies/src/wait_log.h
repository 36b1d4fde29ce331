// Which kinds of keys began to wait for their next use when. Internal to this room.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

namespace tarmac::internal {

/// A ring of bytes, one for each request or for each 2nd, 4th, 8th… of them: the kind of the key
/// that waits since then, resident or not, as long as it does. Whoever asks how many keys of each
/// kind come to an age reads a few bytes in a row, and touches no entry.
///
/// - Memory: at most 16 bytes for each entry and 128 KB, touched as time passes. Only reserve() and
///   restart() allocate.
/// - Every other member is O(1); advance() for each request that has passed.
class WaitLog {
 public:
  using Kind = std::uint8_t;
  using Time = std::uint32_t;  // In requests. It wraps.

  WaitLog() { reserve(0, 0, 0); }

  /// Makes room for waits of `ages` requests in a cache of so many entries; keeps what is there.
  /// Throws std::bad_alloc, and nothing has changed then.
  void reserve(std::uint64_t ages, std::uint64_t entries, Time now) {
    unsigned step_bits = 0;
    while (ages >> step_bits > kBytesForEach * entries + kBytesForAll) ++step_bits;
    const std::uint64_t places = std::bit_ceil((ages >> step_bits) + 2);
    if (places == places_ && step_bits == step_bits_) return;
    std::unique_ptr<Kind[], Free> kinds(static_cast<Kind*>(std::calloc(places, 1)));
    if (kinds == nullptr) throw std::bad_alloc();
    const std::unique_ptr<Kind[], Free> before = std::exchange(kinds_, std::move(kinds));
    const std::uint64_t span_before = span();
    const unsigned before_bits = std::exchange(step_bits_, step_bits);
    const std::uint64_t places_before = std::exchange(places_, places);
    for (Time age = now & (step() - 1); age < std::min(span(), span_before); age += step()) {
      const Time time = now - age;
      if ((time & ((Time{1} << before_bits) - 1)) != 0) continue;
      kinds_[place(time)] = before[(time >> before_bits) & (places_before - 1)];
    }
  }

  /// Forgets all, and makes room; where there is no memory, it stays as short as it was.
  void restart(std::uint64_t ages, std::uint64_t entries) noexcept {
    try {
      WaitLog fresh;
      fresh.reserve(ages, entries, 0);
      *this = std::move(fresh);
    } catch (const std::bad_alloc&) {
      std::fill_n(kinds_.get(), places_, Kind{0});  // Less is learned of old keys.
    }
  }

  /// How many waits one that is kept stands for.
  [[nodiscard]] Time step() const noexcept { return Time{1} << step_bits_; }
  /// Waits that are older are not known.
  [[nodiscard]] std::uint64_t span() const noexcept {
    return places_ == 0 ? 0 : (places_ - 1) << step_bits_;
  }
  /// Whether a wait that begins at `time` is kept.
  [[nodiscard]] bool keeps(Time time) const noexcept { return (time & (step() - 1)) == 0; }

  /// Each requires keeps(time). A wait of `kind` begins.
  void begin(Time time, Kind kind) noexcept { kinds_[place(time)] = static_cast<Kind>(kind + 1); }
  /// Nobody waits since `time`. False if that was known.
  bool end(Time time) noexcept { return std::exchange(kinds_[place(time)], Kind{0}) != 0; }

  /// visit(kind) for each wait that has begun after `from` and not after `to`.
  template <class Visit>
  void for_each(Time from, Time to, Visit visit) const noexcept {
    Time time = (from + step()) & ~(step() - 1);
    for (; static_cast<std::int32_t>(to - time) >= 0; time += step()) {
      if (const Kind kind = kinds_[place(time)]; kind != 0) visit(static_cast<Kind>(kind - 1));
    }
  }

 private:
  static constexpr std::uint64_t kBytesForEach = 8;
  static constexpr std::uint64_t kBytesForAll = std::uint64_t{1} << 16U;

  struct Free {
    void operator()(Kind* kinds) const noexcept { std::free(kinds); }
  };

  [[nodiscard]] std::size_t place(Time time) const noexcept {
    return (time >> step_bits_) & (places_ - 1);
  }

  std::unique_ptr<Kind[], Free> kinds_;  // One more than the kind; 0: nobody.
  std::uint64_t places_ = 0;             // A power of two.
  unsigned step_bits_ = 0;
};

}  // namespace tarmac::internal
