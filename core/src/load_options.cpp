#include <tarmac/core/error.h>
#include <tarmac/core/load_options.h>

#include <cmath>

namespace tarmac {
namespace {

void require_positive(const std::optional<std::chrono::nanoseconds>& time, const std::string& where,
                      const char* name) {
  if (!time || time->count() > 0) return;
  throw ConfigError(where + ": " + name + " must be longer than zero; leave it out for none");
}

}  // namespace

void LoadOptions::validate(const std::string& where) const {
  require_positive(negative_ttl, where, "negative_ttl");
  require_positive(error_ttl, where, "error_ttl");
  require_positive(refresh_after, where, "refresh_after");
  require_positive(stale_if_error, where, "stale_if_error");
  require_positive(soft_timeout, where, "soft_timeout");
  require_positive(hard_timeout, where, "hard_timeout");
  if (!std::isfinite(early_refresh) || early_refresh < 0) {
    throw ConfigError(where + ": early_refresh must be 0 or more; 1 is a good value");
  }
  if (soft_timeout && !stale_if_error) {
    throw ConfigError(where + ": soft_timeout needs stale_if_error, which keeps what it returns");
  }
  if (soft_timeout && hard_timeout && *hard_timeout < *soft_timeout) {
    throw ConfigError(where + ": hard_timeout is shorter than soft_timeout; make it longer");
  }
}

}  // namespace tarmac
