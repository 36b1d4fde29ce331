// What the tests of durable caches share: a disk that can crash, and caches that open it again.
#pragma once

#include <gtest/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/strategies/catalog.h>
#include <tarmac/testing/fake_journal.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core_rig.h"

namespace tarmac::core_tests {

using Content = std::map<std::string, std::string>;

inline Content content_of(StringCache& cache) {
  Content all;
  cache.for_each([&all](const auto& key, const auto& value) { all[key] = value; });
  return all;
}

inline Content content_of(BackingStore& store) {
  Content all;
  store.scan([&all](std::string_view key, const StoredValue& value) {
    all[std::string(key)] = value.bytes;
  });
  return all;
}

class DurableTest : public ::testing::Test {
 protected:
  DurableTest() {
    tarmac::testing::mount("disk", disk_);
    options_ = quiet_options(clock_);
    options_.durability = DurabilityOptions{.directory = "disk"};
    open();
  }

  void open() { cache_ = std::make_unique<StringCache>(options_); }
  /// Ends the cache in good order, and opens it again.
  void reopen() {
    cache_.reset();
    open();
  }
  /// What was not waited for is gone; then the cache is opened again.
  void crash() {
    disk_->crash();
    reopen();
  }
  [[nodiscard]] Content content() { return content_of(*cache_); }
  /// "put a=1", "erase b", "clear": one line for each record since the last image.
  [[nodiscard]] std::vector<std::string> logged() const {
    std::vector<std::string> lines;
    for (const auto& batch : disk_->batches()) {
      for (const auto& one : batch) lines.push_back(line_of(one));
    }
    return lines;
  }
  [[nodiscard]] static std::string line_of(const tarmac::testing::OwnedRecord& one) {
    static const std::map<JournalRecord::Kind, std::string> names{
        {JournalRecord::Kind::put, "put"},     {JournalRecord::Kind::erase, "erase"},
        {JournalRecord::Kind::clear, "clear"}, {JournalRecord::Kind::stored, "stored"},
        {JournalRecord::Kind::touch, "touch"}, {JournalRecord::Kind::strategy, "strategy"}};
    auto line = names.at(one.record.kind);
    if (!one.key.empty()) line += " " + one.key;
    if (one.record.kind == JournalRecord::Kind::put) line += "=" + one.value;
    return one.record.dirty ? line + " dirty" : line;
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  std::shared_ptr<tarmac::testing::FakeDisk> disk_ = std::make_shared<tarmac::testing::FakeDisk>();
  CacheOptions options_;
  std::unique_ptr<StringCache> cache_;
};

}  // namespace tarmac::core_tests
