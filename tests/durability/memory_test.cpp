// Memory runs out while a group is written.
#include <gtest/gtest.h>

#include <new>
#include <vector>

#include "failing_memory.h"
#include "log_rig.h"

namespace tarmac {
namespace {

/// One thread that appends three changes at a time and then waits for each, with memory that fails.
class Appender {
 public:
  explicit Appender(Journal& log) : log_(log) {}

  /// Up to change `until`; a change whose append() fails is tried again.
  void run(std::uint64_t until) {
    constexpr std::uint64_t kGroup = 3;
    while (issued_ < until) {
      std::vector<JournalPosition> positions;
      while (positions.size() < kGroup) append(positions);
      // From the last, so that one leads and the others only ask.
      for (auto at = positions.rbegin(); at != positions.rend(); ++at) {
        const auto change = issued_ - static_cast<std::uint64_t>(at - positions.rbegin());
        if (wait(*at)) acknowledged_ = std::max(acknowledged_, change);
      }
    }
  }
  [[nodiscard]] std::uint64_t issued() const { return issued_; }
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  void append(std::vector<JournalPosition>& positions) {
    const Change change(issued_ + 1);
    positions.reserve(positions.size() + 1);
    try {
      const FailingMemory failing;
      positions.push_back(log_.append({&change.record, 1}));
      ++issued_;
    } catch (const std::bad_alloc&) {
      ++refused_;
    }
  }
  bool wait(JournalPosition position) {
    try {
      const FailingMemory failing;
      log_.wait(position);
      return true;
    } catch (const DurabilityError&) {
      ++refused_;
    } catch (const std::bad_alloc&) {
      ++refused_;  // Of the message.
    }
    return false;
  }

  Journal& log_;
  std::uint64_t issued_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t refused_ = 0;
};

bool is_one_of(const std::map<std::string, std::string>& content, std::uint64_t least,
               std::uint64_t most) {
  for (auto changes = least; changes <= most; ++changes) {
    if (content_after(changes) == content) return true;
  }
  return false;
}

// Goal: memory that runs out at any request of append() or wait(), in the group's writing and in
// the change of segments too, loses no group: each of its writers is told, or its records are
// there, and what comes behind them is readable. Method: request 1, 2, 3 ... until none fails.
TEST(LogMemory, LosesNoGroupWhicheverRequestForMemoryFails) {
  std::uint64_t refused = 0;
  for (std::uint64_t request = 1;; ++request) {
    LogRig rig;
    rig.open();
    FailingMemory::restart(request);
    Appender appender(rig.log());
    appender.run(60);
    const bool failed = FailingMemory::has_failed();
    FailingMemory::restart(0);
    refused += appender.refused();
    ASSERT_FALSE(rig.log().stats().degraded) << "request " << request;
    rig.files().die_at(1);
    rig.close();
    rig.files().power_cut(nullptr);
    ASSERT_NO_THROW(rig.open()) << "request " << request;
    ASSERT_TRUE(is_one_of(rig.replica().content(), appender.acknowledged(), appender.issued()))
        << "request " << request << ", acknowledged " << appender.acknowledged() << ", recovered "
        << rig.replica().newest();
    if (!failed) break;
    ASSERT_LT(request, 5000U);
  }
  EXPECT_GT(refused, 0U) << "append() tells of it";
}

}  // namespace
}  // namespace tarmac
