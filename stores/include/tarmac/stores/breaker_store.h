// A store that is left alone for a while when it fails, so that nobody waits for it meanwhile.
#pragma once

#include <tarmac/core/backing_store.h>
#include <tarmac/core/clock.h>

#include <chrono>
#include <cstdint>
#include <memory>

namespace tarmac {

/// Settings of make_breaker_store(). In YAML they are `breaker_failures`, `breaker_pause` and
/// `breaker_pause_max` of any built-in store.
struct BreakerOptions {
  /// So many failures in a row open the breaker. At least 1.
  std::uint64_t failures = 5;
  /// How long it stays open, first and at most: each probe that fails doubles it.
  std::chrono::nanoseconds pause = std::chrono::seconds(1);
  std::chrono::nanoseconds pause_max = std::chrono::seconds(30);
  /// Time; a test passes a ManualClock.
  std::shared_ptr<Clock> clock = nullptr;
};

/// Puts a breaker before `store`, whose name it has. Closed, it passes every call on. Open, every
/// call throws StoreError at once. When the pause is over one call probes the store while the
/// others go on failing; its success closes the breaker, its failure opens it again.
///
/// - Choose it for: stores behind a network, under reads that must not wait for one that is down.
/// - A failure is a StoreError, except PermanentStoreError: a store that judges a write is there.
///   How long a call may take is the store's own to bound.
/// - Thread-safety: as that of `store`; the breaker's own lock is held for some instructions.
/// - Exceptions: ConfigError for a null `store` and settings that cannot work.
[[nodiscard]] std::shared_ptr<BackingStore> make_breaker_store(std::shared_ptr<BackingStore> store,
                                                               const BreakerOptions& options = {});

namespace internal {
/// The same for store_registry(): makes a factory's store obey the parameters of a breaker.
[[nodiscard]] StoreRegistry::Factory with_breaker(StoreRegistry::Factory make);
}  // namespace internal

}  // namespace tarmac
