// What the program that is killed does, so that who watches it can tell what must be there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tarmac::writer {

inline constexpr std::uint64_t kThreads = 4;
inline constexpr std::uint64_t kKeys = 20;

/// One line of the pipe: a thread's change number `change` is acknowledged.
struct Acknowledgement {
  std::uint64_t thread = 0;
  std::uint64_t change = 0;
};

/// Each thread has keys of its own, and changes them in this order, from change 1.
inline std::uint64_t key_of(std::uint64_t change) { return change * 7 % kKeys; }
inline bool erases(std::uint64_t change) { return change % 3 == 1; }
inline std::string key_text(std::uint64_t thread, std::uint64_t key) {
  return "thread " + std::to_string(thread) + " key " + std::to_string(key);
}
inline std::string value_text(std::uint64_t change) {
  return std::to_string(change) + std::string(change % 97, '.');
}

/// What a key has after so many changes of its thread.
inline std::optional<std::string> value_after(std::uint64_t changes, std::uint64_t key) {
  for (auto change = changes; change > 0; --change) {
    if (key_of(change) != key) continue;
    if (erases(change)) return std::nullopt;
    return value_text(change);
  }
  return std::nullopt;
}

}  // namespace tarmac::writer
