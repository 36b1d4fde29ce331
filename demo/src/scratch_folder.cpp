#include <tarmac/core/error.h>
#include <tarmac/demo/scratch_folder.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace tarmac::demo {

ScratchFolder::ScratchFolder() {
  // mkdtemp() fills the end in.
  auto name = (std::filesystem::temp_directory_path() / "tarmac-demo-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw Error("cannot make the folder " + name + ": " + std::generic_category().message(errno) +
                "; TMPDIR names another place for temporary files");
  }
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code unimportant;
  std::filesystem::remove_all(path_, unimportant);
}

}  // namespace tarmac::demo
