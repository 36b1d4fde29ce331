// The process-wide tables of parts. Function-local, so that they exist before any static that
// registers itself.
#include <tarmac/core/backing_store.h>
#include <tarmac/core/eviction_strategy.h>
#include <tarmac/core/journal.h>
#include <tarmac/core/write_policy.h>

namespace tarmac {

StrategyRegistry& strategy_registry() {
  static StrategyRegistry registry("eviction strategy",
                                   "link tarmac::strategies and include "
                                   "<tarmac/strategies/catalog.h>");
  return registry;
}

StoreRegistry& store_registry() {
  static StoreRegistry registry("backing store",
                                "link tarmac::stores and include <tarmac/stores/catalog.h>");
  return registry;
}

WritePolicyRegistry& write_policy_registry() {
  static WritePolicyRegistry registry("write policy",
                                      "link tarmac::policies and include "
                                      "<tarmac/policies/catalog.h>");
  return registry;
}

JournalRegistry& journal_registry() {
  static JournalRegistry registry(
      "journal", "link tarmac::durability and include <tarmac/durability/catalog.h>");
  return registry;
}

SnapshotFormatRegistry& snapshot_format_registry() {
  static SnapshotFormatRegistry registry(
      "snapshot format", "link tarmac::durability and include <tarmac/durability/catalog.h>");
  return registry;
}

std::vector<std::optional<StoredValue>> BackingStore::load_many(std::span<const std::string> keys,
                                                                WallNanos wall_now) {
  std::vector<std::optional<StoredValue>> values;
  values.reserve(keys.size());
  for (const auto& key : keys) values.push_back(load(key, wall_now));
  return values;
}

}  // namespace tarmac
