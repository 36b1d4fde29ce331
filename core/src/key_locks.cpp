#include <tarmac/core/error.h>
#include <tarmac/core/internal/key_locks.h>

#include <unordered_map>

namespace tarmac::internal {
namespace {

struct Wait {
  std::thread::id holder;
  const void* what;
};

struct Waits {
  std::mutex mutex;
  std::unordered_map<std::thread::id, Wait> of_thread;
};

Waits& waits() {
  static Waits instance;
  return instance;
}

}  // namespace

void WaitGraph::begin_wait(std::thread::id holder, const void* what) {
  const auto self = std::this_thread::get_id();
  auto& all = waits();
  const std::lock_guard lock(all.mutex);
  for (auto thread = holder;;) {
    if (thread == self) {
      all.of_thread.erase(self);
      throw UsageError(
          "a function given to compute() or a loader must not write or load the key that it is "
          "called for, nor one whose function waits for this key: return the value instead");
    }
    const auto next = all.of_thread.find(thread);
    if (next == all.of_thread.end()) break;
    thread = next->second.holder;
  }
  all.of_thread.insert_or_assign(self, Wait{holder, what});
}

void WaitGraph::end_waits_for(const void* what) noexcept {
  auto& all = waits();
  const std::lock_guard lock(all.mutex);
  std::erase_if(all.of_thread, [what](const auto& one) { return one.second.what == what; });
}

void WaitGraph::end_wait_of_this_thread() noexcept {
  auto& all = waits();
  const std::lock_guard lock(all.mutex);
  all.of_thread.erase(std::this_thread::get_id());
}

}  // namespace tarmac::internal
