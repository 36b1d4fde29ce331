#include <tarmac/core/assert.h>

#include <cstdio>
#include <cstdlib>

namespace tarmac::internal {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "%s:%d: tarmac: broken invariant: %s\n", file, line, expression);
  std::abort();
}

}  // namespace tarmac::internal
