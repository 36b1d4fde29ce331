// The walkthrough as programs read it.
#pragma once

#include <tarmac/interview/markdown.h>

#include <string>
#include <string_view>
#include <vector>

namespace tarmac::interview {

/// One JSON document with a line feed at the end: `tarmac` (the version), `status` (`passed` or
/// `failed`), `machine`, `date`, and `stops`, each with its texts, `facts` and `figures`.
[[nodiscard]] std::string to_json(const std::vector<Visited>& visited,
                                  const Circumstances& circumstances, std::string_view version);

}  // namespace tarmac::interview
