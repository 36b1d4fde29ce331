#include <gtest/gtest.h>
#include <tarmac/core/error.h>
#include <tarmac/testing/faulty_store.h>
#include <tarmac/testing/write_policy_contract.h>

#include <array>
#include <chrono>
#include <random>
#include <thread>
#include <utility>

#include "contract.h"

namespace tarmac::testing {

void RecordingHost::on_flush_state(const StoreWrite& write, EntryState state) noexcept {
  const std::lock_guard lock(mutex_);
  states_[{write.key, write.stamp}].push_back(state);
  changed_.notify_all();
}

void RecordingHost::on_flushed(std::uint64_t writes, std::int64_t nanoseconds) noexcept {
  EXPECT_GE(nanoseconds, 0);
  {
    const std::lock_guard lock(mutex_);
    flushed_ += writes;
    changed_.notify_all();
  }
  run_slot();
}

void RecordingHost::on_store_error(std::string_view message) noexcept {
  {
    const std::lock_guard lock(mutex_);
    errors_.emplace_back(message);
    changed_.notify_all();
  }
  run_slot();
}

void RecordingHost::on_dead_letter(std::string_view message) noexcept {
  {
    const std::lock_guard lock(mutex_);
    dead_letters_.emplace_back(message);
    changed_.notify_all();
  }
  run_slot();
}

std::vector<EntryState> RecordingHost::states(const std::string& key, std::uint64_t stamp) const {
  const std::lock_guard lock(mutex_);
  const auto found = states_.find({key, stamp});
  return found == states_.end() ? std::vector<EntryState>{} : found->second;
}

std::uint64_t RecordingHost::flushed() const {
  const std::lock_guard lock(mutex_);
  return flushed_;
}

std::vector<std::string> RecordingHost::errors() const {
  const std::lock_guard lock(mutex_);
  return errors_;
}

std::vector<std::string> RecordingHost::dead_letters() const {
  const std::lock_guard lock(mutex_);
  return dead_letters_;
}

void RecordingHost::await_flushed(std::uint64_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return flushed_ >= count; });
}

void RecordingHost::await_errors(std::size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return errors_.size() >= count; });
}

void RecordingHost::set_slot(std::function<void()> slot) {
  const std::lock_guard lock(mutex_);
  slot_ = std::move(slot);
}

void RecordingHost::run_slot() const {
  std::function<void()> slot;
  {
    const std::lock_guard lock(mutex_);
    slot = slot_;
  }
  if (slot) slot();
}

namespace {

constexpr WallNanos kNow = 1'700'000'000'000'000'000;
constexpr std::chrono::minutes kLong{1};

/// A policy at work: host and store outlive it.
struct Rig {
  Rig(const WritePolicyFactory& make, const StoreFactory& make_store)
      : store(std::make_shared<FaultyStore>(make_store())), policy(make(store)) {
    policy->attach(host);
  }

  EntryState set(std::string key, std::string value) {
    return policy->on_write({.key = std::move(key),
                             .value = std::move(value),
                             .stamp = ++stamp,
                             .expires_at = std::nullopt,
                             .hash = 0});
  }
  EntryState remove(std::string key) {
    return policy->on_write({.key = std::move(key),
                             .value = std::nullopt,
                             .stamp = ++stamp,
                             .expires_at = std::nullopt,
                             .hash = 0});
  }
  /// What a reader behind the cache sees: what is owed, else the store. "(none)" for nothing.
  [[nodiscard]] std::string read(const std::string& key) const {
    if (const auto owed = policy->pending(key)) return owed->value.value_or("(none)");
    return stored(key);
  }
  [[nodiscard]] std::string stored(const std::string& key) const {
    const auto found = store->load(key, kNow);
    return found ? found->bytes : "(none)";
  }

  std::shared_ptr<FaultyStore> store;  // Shared with the policy.
  RecordingHost host;
  std::unique_ptr<WritePolicy> policy;
  std::uint64_t stamp = 0;
};

using Content = std::map<std::string, std::string>;

Content content_of(BackingStore& store) {
  Content content;
  store.scan(
      [&](std::string_view key, const StoredValue& value) { content.emplace(key, value.bytes); });
  return content;
}

void has_a_name_and_its_store(Rig& rig) {
  EXPECT_FALSE(rig.policy->name().empty());
  EXPECT_EQ(rig.policy->store(), rig.store);
  EXPECT_TRUE(rig.policy->flush(kLong).complete());
  EXPECT_EQ(rig.store->attempts(), 0U);
}

void tells_the_truth_about_a_write(Rig& rig) {
  const auto state = rig.set("k", "v");
  EXPECT_EQ(rig.read("k"), "v");
  if (state == EntryState::clean) {
    EXPECT_EQ(rig.stored("k"), "v");
  } else {
    EXPECT_EQ(state, EntryState::dirty);
  }
  EXPECT_TRUE(rig.policy->flush(kLong).complete());
  EXPECT_EQ(rig.stored("k"), "v");
  EXPECT_FALSE(rig.policy->pending("k"));
  // A dirty entry is told that it is clean now, by the end of the flush.
  if (state == EntryState::dirty) {
    const auto states = rig.host.states("k", 1);
    ASSERT_FALSE(states.empty());
    EXPECT_EQ(states.back(), EntryState::clean);
  }
}

// Trap I5. Method: random writes and removals of few keys, with a flush now and then; what is owed
// over what is stored must equal a map after every step, and the store alone after the last flush.
void keeps_the_last_write_of_each_key(Rig& rig) {
  std::mt19937_64 random(4'711);
  Content model;
  for (int step = 0; step < 3'000; ++step) {
    const std::string key = "k" + std::to_string(random() % 16);
    if (random() % 3 == 0) {
      static_cast<void>(rig.remove(key));
      model.erase(key);
    } else {
      static_cast<void>(rig.set(key, std::to_string(step)));
      model[key] = std::to_string(step);
    }
    const auto expected = model.find(key);
    ASSERT_EQ(rig.read(key), expected == model.end() ? "(none)" : expected->second);
    if (random() % 100 == 0) {
      ASSERT_TRUE(rig.policy->flush(kLong).complete());
    }
  }
  EXPECT_TRUE(rig.policy->flush(kLong).complete());
  EXPECT_EQ(content_of(*rig.store), model);
}

// Trap I1. Method: the store refuses one write. Either on_write() says so, and nothing is owed, or
// the write is owed until it has reached the store.
void loses_nothing_to_a_store_that_fails(Rig& rig) {
  static_cast<void>(rig.set("k", "old"));
  ASSERT_TRUE(rig.policy->flush(kLong).complete());
  rig.store->fail_keys([](std::string_view) { return true; });
  bool refused = false;
  try {
    EXPECT_EQ(rig.set("k", "new"), EntryState::dirty);
  } catch (const StoreError& error) {
    refused = true;
    EXPECT_NE(std::string_view(error.what()).find("contract"), std::string_view::npos)
        << "names no cache: " << error.what();
  }
  const auto report = rig.policy->flush(kLong);
  EXPECT_EQ(rig.stored("k"), "old");
  EXPECT_EQ(rig.read("k"), refused ? "old" : "new");
  EXPECT_EQ(report.still_dirty, refused ? 0U : 1U);
  EXPECT_EQ(report.error.empty(), refused);
  EXPECT_GE(rig.policy->stats().store_errors, 1U);
  EXPECT_EQ(rig.host.errors().empty(), refused);

  rig.store->fail_keys({});
  EXPECT_TRUE(rig.policy->flush(kLong).complete());
  EXPECT_EQ(rig.stored("k"), refused ? "old" : "new");
}

// Trap I4. Method: the first write of a key fails, a second one comes, then the store recovers.
void never_overwrites_newer_with_older(Rig& rig) {
  rig.store->fail_next_writes(1);
  try {
    static_cast<void>(rig.set("k", "1"));
    static_cast<void>(rig.policy->flush(kLong));
  } catch (const StoreError& error) {
    EXPECT_STRNE(error.what(), "");
  }
  static_cast<void>(rig.set("k", "2"));
  EXPECT_TRUE(rig.policy->flush(kLong).complete());
  EXPECT_EQ(rig.stored("k"), "2");
  std::uint64_t newest = 0;
  for (const auto& batch : rig.store->batches()) {
    for (const auto& write : batch) {
      EXPECT_GE(write.stamp, newest);
      newest = write.stamp;
    }
  }
}

void writes_what_it_owes_before_it_dies(Rig& rig) {
  for (int i = 0; i < 1'000; ++i) static_cast<void>(rig.set("k" + std::to_string(i), "v"));
  static_cast<void>(rig.remove("k0"));
  rig.policy.reset();
  EXPECT_EQ(rig.store->size(), 999U);
  EXPECT_TRUE(rig.host.errors().empty());
}

void restores_what_was_stored_and_owed(Rig& rig) {
  static_cast<void>(rig.set("stored", "1"));
  static_cast<void>(rig.set("removed", "1"));
  ASSERT_TRUE(rig.policy->flush(kLong).complete());
  static_cast<void>(rig.set("owed", "1"));
  static_cast<void>(rig.remove("removed"));
  const auto image = rig.policy->image();
  if (!image) GTEST_SKIP() << "the store makes no images";
  for (const auto* key : {"stored", "owed", "removed", "new"}) {
    static_cast<void>(rig.set(key, "2"));
  }
  EXPECT_TRUE(rig.policy->flush(kLong).complete());

  rig.store->fail_put_back(true);
  EXPECT_THROW(rig.policy->put_back(*image), StoreError);
  EXPECT_EQ(rig.read("new"), "2");
  rig.store->fail_put_back(false);

  rig.policy->put_back(*image);
  const Content expected{{"stored", "1"}, {"owed", "1"}};
  for (const auto* key : {"stored", "owed", "removed", "new"}) {
    const auto found = expected.find(key);
    EXPECT_EQ(rig.read(key), found == expected.end() ? "(none)" : found->second) << key;
  }
  EXPECT_TRUE(rig.policy->flush(kLong).complete());
  EXPECT_EQ(content_of(*rig.store), expected);
}

void counts_and_never_counts_down(Rig& rig) {
  WritePolicyStats last;
  for (int round = 0; round < 20; ++round) {
    if (round % 4 == 3) rig.store->fail_next_writes(1);
    try {
      static_cast<void>(rig.set("k" + std::to_string(round % 3), "v"));
      static_cast<void>(rig.policy->flush(kLong));
    } catch (const StoreError&) {
      EXPECT_EQ(round % 4, 3);
    }
    const auto now = rig.policy->stats();
    EXPECT_GE(now.flushed, last.flushed);
    EXPECT_GE(now.store_errors, last.store_errors);
    EXPECT_GE(now.retries, last.retries);
    last = now;
  }
  EXPECT_TRUE(rig.policy->flush(kLong).complete());
  EXPECT_EQ(rig.policy->stats().dirty_pending, 0U);
  EXPECT_EQ(rig.policy->stats().store_errors, 5U);
}

void loses_nothing_between_threads(Rig& rig) {
  constexpr int kThreads = 4;
  constexpr std::uint64_t kWrites = 1'000;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&rig, t] {
      for (std::uint64_t i = 1; i <= kWrites; ++i) {
        static_cast<void>(
            rig.policy->on_write({.key = std::to_string(t) + "/" + std::to_string(i % 50),
                                  .value = std::to_string(i),
                                  .stamp = i,
                                  .expires_at = std::nullopt,
                                  .hash = 0}));
        if (i % 250 == 0) static_cast<void>(rig.policy->flush(kLong));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(rig.policy->flush(kLong).complete());
  const auto content = content_of(*rig.store);
  ASSERT_EQ(content.size(), kThreads * 50U);
  for (const auto& [key, value] : content) {
    // The last write of key n is the largest i with i % 50 == n.
    const auto number = std::stoull(key.substr(key.find('/') + 1));
    EXPECT_EQ(value, std::to_string(number == 0 ? kWrites : kWrites - 50 + number)) << key;
  }
}

constexpr auto kPolicyClauses = std::to_array<Clause<Rig>>({
    {"HasANameAndItsStore", has_a_name_and_its_store},
    {"TellsTheTruthAboutAWrite", tells_the_truth_about_a_write},
    {"KeepsTheLastWriteOfEachKey", keeps_the_last_write_of_each_key},
    {"LosesNothingToAStoreThatFails", loses_nothing_to_a_store_that_fails},
    {"NeverOverwritesNewerWithOlder", never_overwrites_newer_with_older},
    {"WritesWhatItOwesBeforeItDies", writes_what_it_owes_before_it_dies},
    {"RestoresWhatWasStoredAndOwed", restores_what_was_stored_and_owed},
    {"CountsAndNeverCountsDown", counts_and_never_counts_down},
    {"LosesNothingBetweenThreads", loses_nothing_between_threads},
});

}  // namespace

bool register_write_policy_contract(std::string_view name, const WritePolicyFactory& make,
                                    const StoreFactory& make_store) {
  register_clauses("WritePolicyContract/" + std::string(name), kPolicyClauses,
                   [make, make_store](auto check) {
                     Rig rig(make, make_store);
                     check(rig);
                   });
  return true;
}

}  // namespace tarmac::testing
