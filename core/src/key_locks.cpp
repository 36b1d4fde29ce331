#include <tarmac/core/error.h>
#include <tarmac/core/internal/key_locks.h>

#include <unordered_map>

namespace tarmac::internal {
namespace {

struct Waits {
  std::mutex mutex;
  std::unordered_map<std::thread::id, std::thread::id> holder_of;
};

Waits& waits() {
  static Waits instance;
  return instance;
}

}  // namespace

void WaitGraph::begin_wait(std::thread::id holder) {
  const auto self = std::this_thread::get_id();
  auto& all = waits();
  const std::lock_guard lock(all.mutex);
  for (auto thread = holder;;) {
    if (thread == self) {
      throw UsageError(
          "a function given to compute() must not write the key that it computes, nor one whose "
          "function waits for this key: return the value instead");
    }
    const auto next = all.holder_of.find(thread);
    if (next == all.holder_of.end()) break;
    thread = next->second;
  }
  all.holder_of.insert_or_assign(self, holder);
}

void WaitGraph::end_wait() noexcept {
  auto& all = waits();
  const std::lock_guard lock(all.mutex);
  all.holder_of.erase(std::this_thread::get_id());
}

}  // namespace tarmac::internal
