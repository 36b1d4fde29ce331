// From the tree of a cache file to a Config, collecting what is wrong on the way.
#pragma once

#include <tarmac/config/config.h>
#include <tarmac/config/yaml_document.h>

#include <string>
#include <vector>

namespace tarmac::internal {

/// What is wrong with a file. Values are read one by one, so that one wrong value does not hide the
/// next.
class Problems {
 public:
  template <class Read>
  void attempt(const Read& read) {
    try {
      read();
    } catch (const ConfigError& error) {
      list_.emplace_back(error.what());
    }
  }
  [[nodiscard]] const std::vector<std::string>& list() const noexcept { return list_; }

 private:
  std::vector<std::string> list_;
};

/// The Config of a file. It means nothing if `problems` is not empty afterwards.
[[nodiscard]] Config read_config(const YamlNode& root, Problems& problems);

/// What the file makes, for people.
[[nodiscard]] std::vector<std::string> summary_of(const Config& config);

}  // namespace tarmac::internal
