// Every policy that writes keeps the contract, with the settings that take other paths too.
#include <tarmac/policies/catalog.h>
#include <tarmac/policies/write_back.h>
#include <tarmac/policies/write_through.h>
#include <tarmac/stores/memory_store.h>
#include <tarmac/testing/write_policy_contract.h>

#include <chrono>
#include <memory>

namespace tarmac {
namespace {

using namespace std::chrono_literals;
using Store = std::shared_ptr<BackingStore>;

[[maybe_unused]] const bool kRegistered = [] {
  const auto add = [](const char* name, const testing::WritePolicyFactory& make) {
    testing::register_write_policy_contract(name, make, make_memory_store);
  };
  for (const auto& name : write_policy_registry().names()) {
    if (name == "none") continue;  // There is no store for what it is asked to write.
    add(name.c_str(),
        [name](const Store& store) { return write_policy_registry().make(name, store); });
  }
  add("write_back_at_once",
      [](const Store& store) { return write_back(store, {.loss_window_max = 0ns}); });
  add("write_back_one_by_one",
      [](const Store& store) { return write_back(store, {.batch_max = 1}); });
  add("write_back_for_ever",
      [](const Store& store) { return write_back(store, {.loss_window_max = 1h}); });
  add("write_back_in_little_room", [](const Store& store) {
    return write_back(store, {.loss_window_max = 1h, .dirty_max = 2, .block_max = 1min});
  });
  return true;
}();

}  // namespace
}  // namespace tarmac
