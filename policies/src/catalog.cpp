#include <tarmac/core/write_policy.h>
#include <tarmac/policies/catalog.h>
#include <tarmac/policies/none.h>
#include <tarmac/policies/write_around.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/policies/write_through.h>

namespace tarmac {
namespace {

WriteBackOptions options_from(const Parameters& parameters) {
  WriteBackOptions o;
  o.loss_window_max = parameters.get_duration("loss_window_max", o.loss_window_max);
  o.batch_max = parameters.get_uint("batch_max", o.batch_max);
  o.dirty_max = parameters.get_uint("dirty_max", o.dirty_max);
  o.block_max = parameters.get_duration("block_max", o.block_max);
  o.shutdown_limit = parameters.get_duration("shutdown_limit", o.shutdown_limit);
  o.retry_initial = parameters.get_duration("retry_initial", o.retry_initial);
  o.retry_max = parameters.get_duration("retry_max", o.retry_max);
  o.dead_letters = parameters.get_string("dead_letters", "");
  o.attempts_max = parameters.get_uint("attempts_max", o.attempts_max);
  if (parameters.contains("seed")) o.seed = parameters.get_uint("seed", 0);
  return o;
}

}  // namespace

void register_built_in_write_policies() {
  auto& registry = write_policy_registry();
  // A store given to `none` is left alone: a later swap of the policy may want it.
  registry.add("none", [](const std::shared_ptr<BackingStore>&, const Parameters&) {
    return no_write_policy();
  });
  registry.add("write_through", [](const std::shared_ptr<BackingStore>& store, const Parameters&) {
    return write_through(store);
  });
  registry.add("write_around", [](const std::shared_ptr<BackingStore>& store, const Parameters&) {
    return write_around(store);
  });
  registry.add("write_back",
               [](const std::shared_ptr<BackingStore>& store, const Parameters& parameters) {
                 return write_back(store, options_from(parameters));
               });
}

}  // namespace tarmac
