// What every fuzzer shares. A fuzzer is one function that reads made-up input; it is linked with
// libFuzzer (`./run fuzz`), or with a driver that replays files and changes them a little, the same
// each time (the tests of every day).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// Reads `size` bytes at `data`, which are neither ended by a zero nor valid after the call. Ends
/// the process if something is wrong. Returns 0.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace tarmac::fuzz {

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Ends the process with `what` unless `holds`.
void require(bool holds, const std::string& what);

/// A file in memory, for readers that want a path. Its content can be replaced.
class MemoryFile {
 public:
  MemoryFile();
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  void fill(std::string_view content) const;
  /// Valid in this process.
  [[nodiscard]] std::string path() const;

 private:
  int descriptor_;
};

}  // namespace tarmac::fuzz
