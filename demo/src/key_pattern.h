// One key, or a row of keys: `user:{1..1000}`.
#pragma once

#include <tarmac/config/yaml_document.h>

#include <cstdint>
#include <string>

namespace tarmac::demo {

/// `text` with at most one range `{FIRST..LAST}` in it, both included.
class KeyPattern {
 public:
  /// Throws ConfigError at `node` for anything else in braces.
  [[nodiscard]] static KeyPattern read(const YamlNode& node);
  /// The same for the key of a map element.
  [[nodiscard]] static KeyPattern read_key(const YamlNode& element);

  [[nodiscard]] bool is_single() const noexcept { return single_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return last_ - first_ + 1; }
  [[nodiscard]] std::string at(std::uint64_t index) const;
  /// `value` with `{}` replaced by the number at `index`; as it is for a single key.
  [[nodiscard]] std::string value_at(std::uint64_t index, const std::string& value) const;
  /// As it stands in the file.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  /// Calls `call(key, index)` for each key.
  template <class Call>
  void for_each(const Call& call) const {
    for (std::uint64_t index = 0; index < size(); ++index) call(at(index), index);
  }

 private:
  std::string text_;
  std::string before_;
  std::string after_;
  std::uint64_t first_ = 0;
  std::uint64_t last_ = 0;
  bool single_ = true;
};

}  // namespace tarmac::demo
