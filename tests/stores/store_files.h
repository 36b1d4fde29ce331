// Stores in files of a test's own, and what is done to them.
#pragma once

#include <gtest/gtest.h>
#include <tarmac/core/backing_store.h>
#include <tarmac/testing/scratch_folder.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

namespace tarmac {

using testing::ScratchFolder;

inline constexpr WallNanos kNow = 1'700'000'000'000'000'000;

/// A store with the folder that its file is in, for the contract suite.
template <class Make>
std::shared_ptr<BackingStore> in_scratch_folder(const Make& make) {
  struct Both {
    ScratchFolder folder;
    std::shared_ptr<BackingStore> store;
  };
  auto both = std::make_shared<Both>();
  both->store = make(both->folder);
  return {both, both->store.get()};
}

inline std::string bytes_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void overwrite_file(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

inline StoreWrite write_of(std::string key, std::optional<std::string> value, std::uint64_t stamp) {
  return {.key = std::move(key),
          .value = std::move(value),
          .stamp = stamp,
          .expires_at = std::nullopt,
          .hash = 0};
}

inline void put(BackingStore& store, std::string key, std::optional<std::string> value,
                std::uint64_t stamp) {
  const auto write = write_of(std::move(key), std::move(value), stamp);
  store.write({&write, 1});
}

/// What `call` throws, or "" if it does not.
template <class Failure, class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const Failure& error) {
    return error.what();
  }
  return "";
}

}  // namespace tarmac
