// The contract is able to fail: each fault of broken_strategies.cpp is found.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include <sys/wait.h>

namespace tarmac::testing {
namespace {

/// The exit status of the contract over one strategy of the program.
int status_of_contract(const std::string& strategy) {
  const std::string command = std::string(TARMAC_BROKEN_STRATEGIES) + " --gtest_filter='*/" +
                              strategy + ".*' --gtest_fail_fast >/dev/null 2>&1";
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(StrategyContractControl, PassesASoundStrategy) { EXPECT_EQ(status_of_contract("sound"), 0); }

class StrategyContractControl : public ::testing::TestWithParam<const char*> {};

// 1 is what GoogleTest reports for failed tests; a crash would be another number.
TEST_P(StrategyContractControl, FindsTheFault) { EXPECT_EQ(status_of_contract(GetParam()), 1); }

INSTANTIATE_TEST_SUITE_P(
    Faults, StrategyContractControl,
    ::testing::Values("forgets_one_in_a_thousand", "dirties_nodes", "loses_what_grows",
                      "keeps_what_expired", "clears_too_much", "changes_its_mind",
                      "goes_by_addresses", "hands_over_backwards", "hands_over_twice",
                      "keeps_what_it_handed_over", "takes_over_all_but_one", "keeps_marks",
                      "wants_arrivals", "refuses_what_left", "foresees_what_left"),
    [](const auto& fault) { return std::string(fault.param); });

}  // namespace
}  // namespace tarmac::testing
