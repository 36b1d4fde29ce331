// Since when the oldest of many writes waits, where they do not come in the order of their age.
#pragma once

#include <tarmac/core/clock.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace tarmac::internal {

/// Remembers of writes that are taken in the order of their tickets how old the oldest of those
/// that are left is. Of very many it knows the youngest less exactly: they may be younger than it
/// says.
///
/// - Thread-safety: not synchronised.
/// - Allocation: none.
class LateWrites {
 public:
  void add(std::uint64_t ticket, SteadyNanos since) noexcept {
    if (count_ == kMost) {
      some_[count_ - 2].ticket = some_[count_ - 1].ticket;
      --count_;
    }
    auto* end = some_.data() + count_;
    auto* at = std::lower_bound(some_.data(), end, ticket,
                                [](const Late& one, std::uint64_t t) { return one.ticket < t; });
    if (at != end && at->since <= since) return;  // An older one is taken later.
    auto* first = at;
    while (first != some_.data() && (first - 1)->since >= since) --first;
    if (at != end && at->ticket == ticket) ++at;
    if (first == at) {
      std::copy_backward(at, end, end + 1);
      ++count_;
    } else {
      std::copy(at, end, first + 1);
      count_ -= static_cast<std::size_t>(at - first) - 1;
    }
    *first = {ticket, since};
  }
  /// What had a ticket below `ticket` has been taken.
  void drop_below(std::uint64_t ticket) noexcept {
    std::size_t gone = 0;
    while (gone < count_ && some_[gone].ticket < ticket) ++gone;
    if (gone == 0) return;
    std::copy(some_.data() + gone, some_.data() + count_, some_.data());
    count_ -= gone;
  }
  void clear() noexcept { count_ = 0; }
  /// kNever if nothing is left.
  [[nodiscard]] SteadyNanos oldest_since() const noexcept {
    return count_ == 0 ? kNever : some_.front().since;
  }

 private:
  /// Of what has this ticket or a smaller one, nothing waits for longer than since then; but for
  /// what those before say of theirs. Both rise from one to the next.
  struct Late {
    std::uint64_t ticket = 0;
    SteadyNanos since = 0;
  };
  static constexpr std::size_t kMost = 64;

  std::array<Late, kMost> some_{};
  std::size_t count_ = 0;
};

}  // namespace tarmac::internal
