// Lets memory run out at a chosen request, in this thread and while it is armed.
#pragma once

#include <cstdint>

namespace tarmac {

/// The `request`-th `new` of this thread while one of these lives fails; requests are counted over
/// all of them, from restart() on.
class FailingMemory {
 public:
  FailingMemory();
  FailingMemory(const FailingMemory&) = delete;
  FailingMemory& operator=(const FailingMemory&) = delete;
  ~FailingMemory();

  static void restart(std::uint64_t request);
  /// Whether it has failed since.
  [[nodiscard]] static bool has_failed();

  /// For as long as it lives, the test's own rig asks for memory, and gets it.
  class Pause {
   public:
    Pause();
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;
    ~Pause();

   private:
    bool was_armed_;
  };
};

}  // namespace tarmac
