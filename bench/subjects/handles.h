// The part that LevelDB's and RocksDB's caches have in common: values behind pointers that the
// cache gives back through a deleter, and look-ups that pin a handle.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "keys.h"

namespace tarmac::bench {

/// How a value goes in and out. A number travels in the pointer itself, which spares these peers
/// an allocation; anything else is on the heap.
template <class Value, class Slice>
struct Boxed {
  static void* box(Value value) {
    if constexpr (std::is_integral_v<Value>) {
      static_assert(sizeof(Value) == sizeof(void*));
      void* pointer = nullptr;
      std::memcpy(static_cast<void*>(&pointer), &value, sizeof(pointer));
      return pointer;
    } else {
      return new Value(std::move(value));
    }
  }
  template <class Function>
  static void unbox(void* pointer, Function&& function) {
    if constexpr (std::is_integral_v<Value>) {
      Value value = 0;
      std::memcpy(&value, static_cast<const void*>(&pointer), sizeof(value));
      function(value);
    } else {
      function(*static_cast<const Value*>(pointer));
    }
  }
  static void free(const Slice& /*key*/, void* pointer) {
    if constexpr (!std::is_integral_v<Value>) delete static_cast<Value*>(pointer);
  }
};

/// A key as bytes, at least `Width` of them: HyperClockCache takes keys of 16 bytes only.
template <class Key, class Slice, std::size_t Width>
class KeyBytes {
 public:
  explicit KeyBytes(Wanted<Key> key) {
    if constexpr (std::is_integral_v<Key>) {
      std::memcpy(bytes_.data(), &key, sizeof(key));
      slice_ = Slice(bytes_.data(), bytes_.size());
    } else {
      slice_ = Slice(key.data(), key.size());
    }
  }
  KeyBytes(const KeyBytes&) = delete;
  KeyBytes& operator=(const KeyBytes&) = delete;
  operator const Slice&() const { return slice_; }

 private:
  std::array<char, Width> bytes_{};
  Slice slice_;
};

}  // namespace tarmac::bench
