// Random operations, crashes and restarts against a map that knows what must be there.
//
// Goal: after any number of operations, crashes, restarts and images, a durable cache holds exactly
// what was acknowledged and has not expired. Method: every operation is done to the cache and to a
// std::map; the fake disk forgets what was not waited for.
#include <gmock/gmock.h>
#include <rapidcheck.h>

#include "durable_rig.h"
#include "stress.h"

namespace tarmac::core_tests {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

/// What an operation is to do, drawn by RapidCheck.
enum class Step : std::uint8_t {
  set,
  set_with_ttl,
  erase,
  compute,
  execute,
  undo,
  redo,
  macro,
  clear,
  take,
  restore,
  save,
  load,
  refused,
  compact,
  advance,
  restart,
  crash,
  last = crash,
};

class Model {
 public:
  Model() {
    tarmac::testing::register_fake_snapshot_format();
    tarmac::testing::mount("model", disk_);
    options_ = quiet_options(clock_);
    options_.durability = DurabilityOptions{.directory = "model"};
    options_.max_entries = 1'000;  // More than there are keys: the oracle does not evict.
    cache_ = std::make_unique<StringCache>(options_);
  }

  void apply(Step step, std::uint32_t key_number, std::uint32_t value_number) {
    const auto key = std::to_string(key_number % 8);
    const auto value = std::to_string(value_number);
    switch (step) {
      case Step::set:
        cache_->set(key, value);
        truth_[key] = {value, kNever};
        return;
      case Step::set_with_ttl:
        cache_->set(key, value, {.ttl = seconds(3)});
        truth_[key] = {value, clock_->wall_now() + kTtl};
        return;
      case Step::erase:
        cache_->erase(key);
        truth_.erase(key);
        return;
      case Step::compute:
        cache_->compute(key, [](const std::optional<std::string>& v) -> std::optional<std::string> {
          return v ? std::nullopt : std::optional<std::string>("new");
        });
        if (is_live(key)) {
          truth_.erase(key);
        } else {
          truth_[key] = {"new", kNever};
        }
        return;
      default:
        apply_rarer(step, key, value);
    }
  }

  void check() {
    Content expected;
    for (const auto& [key, one] : truth_) {
      if (one.expires_at > clock_->wall_now()) expected[key] = one.value;
    }
    RC_ASSERT(content_of(*cache_) == expected);
  }

 private:
  struct One {
    std::string value;
    WallNanos expires_at;
    bool operator==(const One&) const = default;
  };
  using Truth = std::map<std::string, One>;
  static constexpr WallNanos kTtl = 3'000'000'000;

  void apply_rarer(Step step, const std::string& key, const std::string& value) {
    switch (step) {
      case Step::execute:
        cache_->execute(SetCommand{key, value});
        before_command_ = truth_;
        truth_[key] = {value, kNever};
        after_command_ = truth_;
        return;
      case Step::macro: {
        MacroCommand<std::string, std::string> macro;
        macro.add(SetCommand{key, value})
            .add(DeleteCommand{std::string("0")})
            .add(SetCommand{std::string("1"), value});
        cache_->execute(macro);
        before_command_ = truth_;
        truth_[key] = {value, kNever};
        truth_.erase("0");
        truth_["1"] = {value, kNever};
        after_command_ = truth_;
        return;
      }
      case Step::undo:
        // Only where the oracle knows what comes: nothing has happened since the command.
        if (truth_ == after_command_ && cache_->undo() == UndoOutcome::done) {
          truth_ = before_command_;
        }
        after_command_ = kNothing;
        return;
      case Step::redo:
        cache_->redo();
        reread();
        return;
      case Step::clear:
        cache_->clear();
        truth_.clear();
        return;
      case Step::take:
        snapshot_ = cache_->take_snapshot();
        at_snapshot_ = truth_;
        return;
      case Step::restore:
        if (snapshot_.size() == 0) return;
        cache_->restore_snapshot(snapshot_);
        truth_ = at_snapshot_;
        return;
      case Step::save:
        cache_->save_snapshot("model");
        at_save_ = truth_;
        return;
      case Step::load:
        if (!at_save_) return;
        cache_->load_snapshot("model");
        truth_ = *at_save_;
        return;
      default:
        disturb(step, key, value);
    }
  }

  void disturb(Step step, const std::string& key, const std::string& value) {
    switch (step) {
      case Step::refused:
        disk_->fail_appends(1);
        try {
          cache_->set(key, value);
          RC_FAIL("a write was acknowledged that is not in the log");
        } catch (const DurabilityError&) {
          return;  // Nothing has changed.
        }
      case Step::compact:
        cache_->compact();
        return;
      case Step::advance:
        clock_->advance(seconds(1));
        return;
      case Step::crash:
        disk_->crash();
        [[fallthrough]];
      case Step::restart:
        snapshot_ = {};
        after_command_ = kNothing;
        cache_.reset();
        cache_ = std::make_unique<StringCache>(options_);
        return;
      default:
        RC_FAIL("a step that nobody does");
    }
  }

  [[nodiscard]] bool is_live(const std::string& key) const {
    const auto found = truth_.find(key);
    return found != truth_.end() && found->second.expires_at > clock_->wall_now();
  }
  /// After what the oracle cannot foresee, the cache in memory is the truth: it has been asked
  /// before the crash.
  void reread() {
    truth_.clear();
    cache_->for_each([this](const auto& key, const auto& value) {
      const auto left = cache_->inspect(key)->remaining_ttl;
      truth_[key] = {value, left ? clock_->wall_now() + left->count() : kNever};
    });
  }

  inline static const Truth kNothing{{"no such", {"state", 0}}};

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  std::shared_ptr<tarmac::testing::FakeDisk> disk_ = std::make_shared<tarmac::testing::FakeDisk>();
  CacheOptions options_;
  std::unique_ptr<StringCache> cache_;
  Truth truth_;
  Truth before_command_;
  Truth after_command_ = kNothing;
  Snapshot snapshot_;
  Truth at_snapshot_;
  std::optional<Truth> at_save_;
};

// Longer, and with other chances, under `./run stress`.
TEST(DurableModel, HoldsWhatWasAcknowledgedThroughCrashesAndRestarts) {  // A12
  const bool passed = rc::check([] {
    Model model;
    const auto steps =
        *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::arbitrary<std::uint32_t>());
    for (const auto drawn : steps) {
      const auto kinds = static_cast<std::uint32_t>(Step::last) + 1;
      model.apply(static_cast<Step>(drawn % kinds), drawn / kinds, drawn / 101);
      model.check();
    }
    model.apply(Step::crash, 0, 0);
    model.check();
  });
  EXPECT_TRUE(passed);
}

}  // namespace
}  // namespace tarmac::core_tests
