// A demo as programs read it.
#pragma once

#include <tarmac/demo/result.h>

#include <string>
#include <string_view>

namespace tarmac::demo {

/// One JSON document, in ASCII, with a line feed at the end: `tarmac` (the version), `status`
/// (`passed`, `failed` or `wrong_input`), `scenarios` (each with `file`, `title`, `passed`,
/// `seconds`, `steps` and `caches`) and `totals`.
[[nodiscard]] std::string to_json(const DemoResult& result, std::string_view version);

}  // namespace tarmac::demo
