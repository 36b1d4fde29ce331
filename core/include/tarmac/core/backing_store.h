// What stands behind the cache: the interface of every store, over encoded keys and values.
#pragma once

#include <tarmac/core/clock.h>
#include <tarmac/core/part_registry.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac {

/// A value as a store keeps it.
struct StoredValue {
  std::string bytes;
  /// The version: a write with a smaller stamp never replaces one with a larger.
  std::uint64_t stamp = 0;
  /// When it stops being valid; empty without a TTL.
  std::optional<WallNanos> expires_at;
};

/// One change for a store: a value, or the removal of the key.
struct StoreWrite {
  std::string key;
  /// Empty: the key is to be removed.
  std::optional<std::string> value;
  std::uint64_t stamp = 0;
  std::optional<WallNanos> expires_at;
  /// The cache's hash of the key, which finds the entry again; of no meaning to a store.
  std::uint64_t hash = 0;
};

struct StoreHealth {
  bool reachable = true;
  std::string detail;
};

/// Whether calls reach a store: all of them, none, or one that tries it.
enum class BreakerState : std::uint8_t { closed, open, half_open };

struct BreakerStats {
  BreakerState state = BreakerState::closed;
  /// How often it has opened, since the store was made.
  std::uint64_t opens = 0;
};

/// The content of a store at one moment, for put_back() on the same store only.
class StoreImage {
 public:
  StoreImage() = default;
  StoreImage(const StoreImage&) = delete;
  StoreImage& operator=(const StoreImage&) = delete;
  virtual ~StoreImage() = default;
};

/// Keeps encoded values by encoded key.
///
/// - Thread-safety: every member may be called from any thread. None is called under a cache lock,
///   and none may call a cache that writes to this store.
/// - Exceptions: StoreError when the store did not answer or refused. A batch is then either
///   applied or not, as a whole. What it will never take, it refuses with a PermanentStoreError,
///   which names all such keys of the batch if the store can tell.
class BackingStore {
 public:
  BackingStore() = default;
  BackingStore(const BackingStore&) = delete;
  BackingStore& operator=(const BackingStore&) = delete;
  virtual ~BackingStore() = default;

  /// The name in YAML and in the `store` metric label.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  /// The value of `key`; empty if there is none or it has expired by `wall_now`.
  [[nodiscard]] virtual std::optional<StoredValue> load(std::string_view key,
                                                        WallNanos wall_now) = 0;
  /// The same for many keys, in their order. One round trip where the store can.
  [[nodiscard]] virtual std::vector<std::optional<StoredValue>> load_many(
      std::span<const std::string> keys, WallNanos wall_now);
  /// Applies `batch` in its order, all of it or nothing. A write older than what is there for its
  /// key is passed over in silence: it has been superseded.
  virtual void write(std::span<const StoreWrite> batch) = 0;
  /// Visits every value, in no particular order.
  virtual void scan(const std::function<void(std::string_view key, const StoredValue&)>& visit) = 0;
  [[nodiscard]] virtual std::size_t size() = 0;
  [[nodiscard]] virtual StoreHealth health() noexcept { return {}; }
  /// The state of its breaker; empty if there is none. Asks no server.
  [[nodiscard]] virtual std::optional<BreakerStats> breaker() const noexcept {
    return std::nullopt;
  }

  /// The content at one moment, or null if the store cannot. Must not take longer than a write.
  [[nodiscard]] virtual std::shared_ptr<const StoreImage> image() { return nullptr; }
  /// Makes the content that of `image`, which this very store made.
  virtual void put_back(const StoreImage& image) { static_cast<void>(image); }
};

using StoreRegistry = PartRegistry<BackingStore>;

/// The process-wide table of stores. Including <tarmac/stores/catalog.h> fills it.
[[nodiscard]] StoreRegistry& store_registry();

}  // namespace tarmac
