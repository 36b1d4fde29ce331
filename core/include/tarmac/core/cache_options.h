// What a cache is made from, and the small structs of its calls.
#pragma once

#include <tarmac/core/clock.h>
#include <tarmac/core/entry_state.h>
#include <tarmac/core/eviction_strategy.h>
#include <tarmac/core/journal.h>
#include <tarmac/core/load_options.h>
#include <tarmac/core/parameters.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace tarmac {

/// How much a cache may hold. Either bound may be left out, then it does not bound.
struct Capacity {
  std::optional<std::uint64_t> max_entries = std::nullopt;
  /// Bounds the sum of the weights, which the default weigher counts in bytes of key and value.
  std::optional<std::uint64_t> max_bytes = std::nullopt;
};

/// Settings of a CacheManager. Checked by its constructor, which throws ConfigError.
struct CacheOptions {
  /// In events, metrics and messages: 1 to 64 of `[a-zA-Z0-9_.-]`.
  std::string name = "cache";
  /// At least 1; nullopt for no bound.
  std::optional<std::uint64_t> max_entries = 65'536;
  std::optional<std::uint64_t> max_bytes = std::nullopt;

  /// A name in strategy_registry(), and its parameters.
  std::string eviction = "lru";
  Parameters eviction_parameters;

  /// How long an entry lives unless set() says otherwise; nullopt for ever.
  std::optional<std::chrono::nanoseconds> default_ttl = std::nullopt;
  /// Each TTL is lengthened by a random share of this, so that what was set together does not
  /// expire together.
  std::chrono::nanoseconds ttl_jitter{0};
  /// An entry also expires when it was not hit for this long.
  std::optional<std::chrono::nanoseconds> expire_after_access = std::nullopt;
  /// Whether a thread removes expired entries when nobody touches them, and how often it looks.
  bool background_expiry = true;
  std::chrono::nanoseconds sweep_interval = std::chrono::milliseconds(100);

  /// Whether a miss of get() and visit() asks the store behind the write policy, once for all who
  /// miss the key together, and caches what it has for as long as the store would keep it. They
  /// then throw StoreError if the store fails. Without a store, nothing changes.
  bool read_through = false;

  /// Commands that undo() can take back: as many, and holding as many bytes of values.
  std::uint64_t undo_commands_max = 1'000;
  std::uint64_t undo_bytes_max = 16U << 20U;

  /// For all loads that do not bring settings of their own.
  LoadOptions loading;
  /// Makes the cache durable: every write is in a log before anybody sees it, and the constructor
  /// brings back what was acknowledged. Keys and values need a Codec.
  std::optional<DurabilityOptions> durability = std::nullopt;

  /// Parts with a lock and a strategy of their own; a power of two. nullopt chooses by the capacity
  /// and the machine: small caches get one, so that their eviction order is exactly the
  /// algorithm's.
  std::optional<std::uint32_t> shards = std::nullopt;
  /// Seed of the key hash and of the jitter; nullopt takes a random one, which protects from keys
  /// chosen to collide.
  std::optional<std::uint64_t> seed = std::nullopt;
  /// Time; a test passes a ManualClock.
  std::shared_ptr<Clock> clock = nullptr;

  /// Throws ConfigError for the first setting that cannot work.
  void validate() const;
};

/// What one set() may say about its entry.
struct SetOptions {
  /// Instead of the default TTL. Zero or less: the entry is expired at once.
  std::optional<std::chrono::nanoseconds> ttl = std::nullopt;
  /// Instead of what the weigher would say. At most 2^32 - 1.
  std::optional<std::uint64_t> weight = std::nullopt;
};

/// What became of a set(). Whatever it is, no later read returns the value from before.
enum class SetOutcome : std::uint8_t {
  stored,
  too_large,        ///< heavier than the whole cache: not kept, other entries untouched
  already_expired,  ///< a TTL of zero or less: not kept
};

/// What inspect() tells of an entry.
struct EntryInfo {
  EntryState state = EntryState::clean;
  /// Hits, as far as the strategy needs them: all of them, those that raised a mark (`clock` and
  /// its like), or none (`fifo`, `ttl`, `random`).
  std::uint64_t visits = 0;
  std::chrono::nanoseconds age{0};
  /// Empty without a TTL.
  std::optional<std::chrono::nanoseconds> remaining_ttl;
  std::uint64_t weight = 0;
  bool dirty = false;
  std::uint64_t stamp = 0;
};

/// What undo() and redo() did.
enum class UndoOutcome : std::uint8_t {
  done,
  nothing,   ///< the history is empty in that direction
  conflict,  ///< somebody else has changed a key since: nothing was changed, the command is dropped
};

}  // namespace tarmac
