// A small cache model over a journal: what a run has acknowledged must be there afterwards.
#pragma once

#include <gtest/gtest.h>
#include <tarmac/core/error.h>
#include <tarmac/core/journal.h>
#include <tarmac/testing/manual_clock.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "log.h"
#include "memory_files.h"
#include "rounds.h"

namespace tarmac {

/// What a key has, by the rule of replay: the larger stamp counts.
class Replica {
 public:
  void apply(const JournalRecord& record) {
    using Kind = JournalRecord::Kind;
    newest_ = std::max(newest_, record.stamp);
    if (record.kind == Kind::clear) {
      floor_ = std::max(floor_, record.stamp);
      return;
    }
    auto& [stamp, value] = keys_[std::string(record.key)];
    if (record.stamp <= stamp) return;
    stamp = record.stamp;
    value.reset();
    if (record.kind == Kind::put) value = std::string(record.value);
  }
  [[nodiscard]] std::map<std::string, std::string> content() const {
    std::map<std::string, std::string> content;
    for (const auto& [key, state] : keys_) {
      if (state.second && state.first > floor_) content[key] = *state.second;
    }
    return content;
  }
  [[nodiscard]] std::uint64_t newest() const noexcept { return newest_; }
  /// With the stamp of what was done to it last.
  using Keys = std::map<std::string, std::pair<std::uint64_t, std::optional<std::string>>>;
  [[nodiscard]] const Keys& keys() const noexcept { return keys_; }

 private:
  Keys keys_;
  std::uint64_t floor_ = 0;
  std::uint64_t newest_ = 0;
};

/// Change number `number` of every run, from 1: mostly puts over a few keys, some erasures, now and
/// then a clear.
struct Change {
  explicit Change(std::uint64_t number) {
    key = "key" + std::to_string(number * 7 % 13);
    value = "value " + std::to_string(number) + std::string(number * 37 % 160, '.');
    record.stamp = number;
    if (number % 5 == 4) record.kind = JournalRecord::Kind::erase;
    if (number % 43 == 42) record.kind = JournalRecord::Kind::clear;
    if (record.kind != JournalRecord::Kind::clear) record.key = key;
    if (record.kind == JournalRecord::Kind::put) record.value = value;
  }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

  std::string key;
  std::string value;
  JournalRecord record;
};

inline std::map<std::string, std::string> content_after(std::uint64_t changes) {
  Replica replica;
  for (std::uint64_t number = 1; number <= changes; ++number) replica.apply(Change(number).record);
  return replica.content();
}

/// Makes the changes of Change, one by one, over a journal that may fail, die and come back.
class LogRig {
 public:
  explicit LogRig(SyncMode sync = SyncMode::always) {
    options_.directory = ".";
    options_.sync = sync;
    options_.segment_bytes = 4096;
    options_.compact_bytes = 16U << 10U;
  }

  MemoryFiles& files() noexcept { return files_; }
  testing::ManualClock& clock() noexcept { return *clock_; }
  DurabilityOptions& options() noexcept { return options_; }
  internal::Weakness& weakness() noexcept { return weakness_; }
  Journal& log() noexcept { return *log_; }
  RecoveryReport& report() noexcept { return report_; }
  [[nodiscard]] std::uint64_t acknowledged() const noexcept { return acknowledged_; }
  [[nodiscard]] std::uint64_t issued() const noexcept { return issued_; }

  /// Throws DurabilityError if the journal does.
  void open() {
    log_.reset();
    log_ = std::make_unique<internal::Log>(options_,
                                           internal::LogEnvironment{&files_, clock_, weakness_});
    replica_ = Replica();
    header_.reset();
    report_ = log_->recover([&](const JournalRecord& one) { replica_.apply(one); }, header_);
  }
  void close() { log_.reset(); }

  /// Changes are committed by one call from now on, each second one at once where the log does
  /// that.
  void use_commit() { commits_ = true; }
  /// How many the log has taken at once.
  [[nodiscard]] std::uint64_t at_once() const noexcept { return at_once_; }
  /// Goes on until `until` changes have been made, or one of them fails. True if none did.
  bool run(std::uint64_t until) {
    try {
      while (issued_ < until) {
        const Change change(issued_ + 1);
        if (commits_) {
          ++issued_;
          replica_.apply(change.record);
          if (issued_ % 2 == 0 && log_->commit_at_once(change.record)) {
            ++at_once_;
          } else {
            log_->commit({&change.record, 1});
          }
        } else {
          const auto position = log_->append({&change.record, 1});
          ++issued_;
          replica_.apply(change.record);
          log_->wait(position);
        }
        acknowledged_ = issued_;
        if (log_->wants_image()) make_image();
      }
    } catch (const DurabilityError&) {
      return false;
    }
    return true;
  }

  void make_image() {
    const auto image = log_->begin_image({"rig", "lru", "none", 1});
    for (const auto& [key, value] : replica_.content()) {
      JournalRecord entry;
      entry.key = key;
      entry.value = value;
      entry.stamp = replica_.keys().at(key).first;
      image->add(entry);
    }
    image->publish();
  }

  /// Whether what was recovered is what the first changes have made, all acknowledged ones
  /// included; `least` instead of them. The run goes on from there.
  ::testing::AssertionResult is_prefix(std::optional<std::uint64_t> least = {}) {
    const auto content = replica_.content();
    Replica made;
    for (std::uint64_t changes = 0; changes <= issued_; ++changes) {
      if (changes > 0) made.apply(Change(changes).record);
      if (changes < least.value_or(acknowledged_) || made.content() != content) continue;
      issued_ = changes;
      acknowledged_ = changes;
      return ::testing::AssertionSuccess();
    }
    return ::testing::AssertionFailure()
           << "recovered " << content.size() << " keys up to change " << replica_.newest()
           << ", acknowledged " << acknowledged_ << ", issued " << issued_;
  }

  [[nodiscard]] const Replica& replica() const noexcept { return replica_; }

 private:
  MemoryFiles files_;
  std::shared_ptr<testing::ManualClock> clock_ = std::make_shared<testing::ManualClock>();
  DurabilityOptions options_;
  internal::Weakness weakness_;
  bool commits_ = false;
  std::uint64_t at_once_ = 0;
  std::unique_ptr<Journal> log_;
  RecoveryReport report_;
  Replica replica_;
  std::optional<ImageHeader> header_;
  std::uint64_t issued_ = 0;
  std::uint64_t acknowledged_ = 0;
};

}  // namespace tarmac
