#include "lab/heap.h"

#include <malloc.h>

namespace tarmac::interview {

double heap_bytes() noexcept {
  const auto info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

}  // namespace tarmac::interview
