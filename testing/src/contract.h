// How a contract becomes tests: a table of clauses, each a test of its own.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <string>
#include <utility>

namespace tarmac::testing {

template <class Subject>
struct Clause {
  const char* name;
  void (*check)(Subject& subject);
};

class ClauseTest : public ::testing::Test {
 public:
  explicit ClauseTest(std::function<void()> body) : body_(std::move(body)) {}
  void TestBody() override { body_(); }

 private:
  std::function<void()> body_;
};

/// One test in `suite` for each of `clauses`, which must outlive the tests; `with_subject(check)`
/// makes a fresh subject and calls `check` with it.
template <class Subject, std::size_t kCount, class WithSubject>
void register_clauses(const std::string& suite, const std::array<Clause<Subject>, kCount>& clauses,
                      const WithSubject& with_subject) {
  for (const auto& clause : clauses) {
    ::testing::RegisterTest(suite.c_str(), clause.name, nullptr, nullptr, __FILE__, __LINE__,
                            [check = clause.check, with_subject]() -> ClauseTest* {
                              // GoogleTest deletes it.
                              return new ClauseTest([=] { with_subject(check); });
                            });
  }
}

}  // namespace tarmac::testing
