#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace tarmac::fuzz {

void require(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "wrong: %s\n", what.c_str());
  std::abort();
}

MemoryFile::MemoryFile() : descriptor_(memfd_create("fuzz", MFD_CLOEXEC)) {
  require(descriptor_ >= 0, "no file in memory");
}

MemoryFile::~MemoryFile() { ::close(descriptor_); }

void MemoryFile::fill(std::string_view content) const {
  require(::ftruncate(descriptor_, 0) == 0, "cannot empty the file in memory");
  std::size_t written = 0;
  while (written < content.size()) {
    const auto step = ::pwrite(descriptor_, content.data() + written, content.size() - written,
                               static_cast<off_t>(written));
    require(step > 0, "cannot fill the file in memory");
    written += static_cast<std::size_t>(step);
  }
}

std::string MemoryFile::path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

}  // namespace tarmac::fuzz
