#include "failing_memory.h"

#include <cstdlib>
#include <new>
#include <utility>

namespace {

struct Requests {
  bool armed = false;
  bool failed = false;
  std::uint64_t left = 0;
};

thread_local Requests requests;

}  // namespace

// The program's own, so that what the library asks for can fail.
void* operator new(std::size_t bytes) {
  if (requests.armed && requests.left > 0 && --requests.left == 0) {
    requests.failed = true;
    throw std::bad_alloc();
  }
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}

// A sanitizer's own would not go with the functions below.
void* operator new(std::size_t bytes, const std::nothrow_t& /*tag*/) noexcept {
  try {
    return operator new(bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace tarmac {

FailingMemory::FailingMemory() { requests.armed = true; }
FailingMemory::~FailingMemory() { requests.armed = false; }

void FailingMemory::restart(std::uint64_t request) { requests = {false, false, request}; }
bool FailingMemory::has_failed() { return requests.failed; }

FailingMemory::Pause::Pause() : was_armed_(std::exchange(requests.armed, false)) {}
FailingMemory::Pause::~Pause() { requests.armed = was_armed_; }

}  // namespace tarmac
