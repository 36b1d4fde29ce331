// A folder of its own for a test, gone with it.
#pragma once

#include <gtest/gtest.h>
#include <tarmac/core/backing_store.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

namespace tarmac {

/// In memory where the machine has such a place, so that thousands of syncs cost nothing.
class ScratchFolder {
 public:
  ScratchFolder() {
    const std::filesystem::path memory = "/dev/shm";
    const auto base =
        ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
    auto name = (base / "tarmac-store-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for the test");
    path_ = name;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

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
