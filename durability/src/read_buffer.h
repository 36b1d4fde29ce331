// Memory that files are read into.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace tarmac::internal {

/// Of any size, on huge pages where the kernel has them, and not filled before it is read into: for
/// a segment of a log both would take longer than to read it. Exceptions: std::bad_alloc.
class ReadBuffer {
 public:
  /// Makes it `bytes` long. What was in it is lost if it has to grow.
  void resize(std::size_t bytes);
  [[nodiscard]] char* data() noexcept { return memory_.get(); }
  [[nodiscard]] std::string_view view() const noexcept { return {memory_.get(), size_}; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  struct Free {
    void operator()(char* memory) const noexcept { std::free(memory); }
  };

  std::unique_ptr<char, Free> memory_;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
};

}  // namespace tarmac::internal
