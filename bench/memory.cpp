#include "memory.h"

#include <malloc.h>
#include <tarmac/core/internal/entry_arena.h>
#include <unistd.h>

#include <fstream>

namespace tarmac::bench {
namespace {

double handed_out() {
  const auto info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd) +
         static_cast<double>(internal::EntryArena::mapped_bytes());
}

double resident() {
  std::ifstream pages("/proc/self/statm");
  double all = 0;
  double resident = 0;
  pages >> all >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

MemoryMeter::MemoryMeter() : handed_out_(0), resident_(0) {
  ::malloc_trim(0);
  handed_out_ = handed_out();
  resident_ = resident();
}

void MemoryMeter::report(benchmark::State& state, std::size_t entries) const {
  const auto count = static_cast<double>(entries);
  state.counters["entries"] = count;
  state.counters["bytes_per_entry"] = (handed_out() - handed_out_) / count;
  state.counters["resident_per_entry"] = (resident() - resident_) / count;
}

}  // namespace tarmac::bench
