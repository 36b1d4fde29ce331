#include <gtest/gtest.h>
#include <tarmac/testing/scratch_folder.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace tarmac::testing {
namespace {

std::filesystem::path folder_of(ScratchPlace place) {
  constexpr const char* kMemory = "/dev/shm";
  if (place == ScratchPlace::memory && ::access(kMemory, W_OK) == 0) return kMemory;
  return std::filesystem::temp_directory_path();
}

}  // namespace

ScratchFolder::ScratchFolder(ScratchPlace place) {
  auto name = (folder_of(place) / "tarmac-test-XXXXXX").string();  // mkdtemp() fills the end in.
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make the folder " + name);
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
  EXPECT_FALSE(error) << "cannot remove " << path_ << ": " << error.message();
}

std::filesystem::path ScratchFolder::write(const std::string& name,
                                           std::string_view content) const {
  auto file = path_ / name;
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  out.close();
  if (!out) throw std::runtime_error("cannot write " + file.string());
  return file;
}

}  // namespace tarmac::testing
