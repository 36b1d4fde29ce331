#include <tarmac/core/journal.h>
#include <tarmac/durability/catalog.h>
#include <tarmac/durability/log.h>

namespace tarmac {

void register_built_in_durability() {
  journal_registry().add(
      "log", [](const DurabilityOptions& options, const Parameters&) { return open_log(options); });
  snapshot_format_registry().add("tarmac",
                                 [](const Parameters&) { return make_snapshot_format(); });
}

}  // namespace tarmac
