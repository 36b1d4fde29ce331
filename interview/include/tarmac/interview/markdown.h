// The walkthrough as a page.
#pragma once

#include <tarmac/interview/stop.h>

#include <string>
#include <vector>

namespace tarmac::interview {

/// A stop, and what came of its experiment.
struct Visited {
  const Stop* stop = nullptr;
  Findings findings;
};

/// Where and when figures were measured.
struct Circumstances {
  std::string machine;
  /// `2024-05-31`.
  std::string date;
};

/// This machine, how this program was built, and today's date.
[[nodiscard]] Circumstances circumstances();

/// docs/interview.md: every stop, with its figures between `<!-- figures -->` and
/// `<!-- /figures -->`.
[[nodiscard]] std::string to_markdown(const std::vector<Visited>& visited,
                                      const Circumstances& circumstances);
/// The part of the page that is about one stop.
[[nodiscard]] std::string to_markdown(const Visited& visited);

/// The page without what differs from run to run: machine and date, digits, bars and lines. What is
/// left of two pages is equal if and only if they say the same of the same stops.
[[nodiscard]] std::string masked(std::string_view page);

}  // namespace tarmac::interview
