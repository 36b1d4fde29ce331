// Strict reading of YAML: a small tree whose nodes know their places, and typed readers.
#pragma once

#include <tarmac/core/error.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac {

/// What a YAML file may cost. A file beyond any of these is refused with the place where it went
/// beyond, so that no input can take much time, memory or stack.
inline constexpr std::size_t kYamlFileBytesMax = 1U << 20U;
inline constexpr std::size_t kYamlScalarBytesMax = 64U << 10U;
inline constexpr std::size_t kYamlKeyBytesMax = 256;
inline constexpr std::size_t kYamlNodesMax = 10'000;
inline constexpr std::size_t kYamlDepthMax = 32;

/// One value of a YAML file, with the place it stands at.
///
/// - Thread-safety: a plain value; a tree that nobody changes may be read from any thread.
struct YamlNode {
  enum class Kind : std::uint8_t { scalar, list, map };

  Kind kind = Kind::scalar;
  /// The scalar, escapes resolved; empty for a list or a map.
  std::string text;
  /// Written in quotes or as a block (`|`, `>`): surely text, never a number or a boolean.
  bool quoted = false;
  /// Where the value begins, counted from 1; columns count characters, not bytes.
  std::size_t line = 1;
  std::size_t column = 1;
  /// How one gets here from the top: `caches[0].undo.max_bytes`. Empty at the top. Beyond 512 bytes
  /// it is shortened at its front.
  std::string path;
  /// The elements of a list, or the values of a map, in the file's order.
  std::vector<YamlNode> children;
  /// The key of this value in its map, and where the key stands; line 0 if it is not in a map.
  std::string key;
  std::size_t key_line = 0;
  std::size_t key_column = 0;
  /// The file's name as errors show it, shared by all nodes of a document.
  std::shared_ptr<const std::string> file;

  [[nodiscard]] bool is_map() const noexcept { return kind == Kind::map; }
  [[nodiscard]] bool is_list() const noexcept { return kind == Kind::list; }
  [[nodiscard]] bool is_scalar() const noexcept { return kind == Kind::scalar; }
  /// Nothing at all behind the key, `~`, or `null`.
  [[nodiscard]] bool is_null() const noexcept;
  /// The value of `name` in a map, or null. O(children).
  [[nodiscard]] const YamlNode* find(std::string_view name) const noexcept;

  /// The error that speaks of this value: `FILE:LINE:COL: at PATH: what is wrong; the mend`.
  [[nodiscard]] ConfigError error(std::string_view wrong, std::string_view mend) const;
  /// The same, placed at the key. Requires: the node is in a map.
  [[nodiscard]] ConfigError error_at_key(std::string_view wrong, std::string_view mend) const;
};

/// Parses the one document in `text`; `file_name` is how errors call it. Refused beside malformed
/// YAML: anchors, aliases, tags, merge keys, duplicate keys, keys that are no text, a second
/// document, an empty file, a tab in the indentation, a byte order mark, control characters, text
/// that is not UTF-8, and what is beyond the limits above. Throws ConfigError.
[[nodiscard]] YamlNode parse_yaml(std::string_view text, std::string_view file_name);

/// Reads and parses a file. Throws ConfigError, also if the file cannot be read.
[[nodiscard]] YamlNode load_yaml(const std::filesystem::path& path);

/// Bounds, both included.
template <class T>
struct YamlRange {
  T min = std::numeric_limits<T>::lowest();
  T max = std::numeric_limits<T>::max();
};
using YamlDuration = std::chrono::nanoseconds;
/// A duration is never negative, and zero only where zero means something.
inline constexpr YamlRange<YamlDuration> kAnyDuration{YamlDuration{0}, YamlDuration::max()};
inline constexpr YamlRange<YamlDuration> kPositiveDuration{YamlDuration{1}, YamlDuration::max()};

// The typed readers. Each throws ConfigError at the place of `node` if it is anything else.

/// Decimal digits and nothing else. Refused, with the spelling to use: `010`, `0x10`, `+5`, `1e3`,
/// `1.5`, `10_000`, `10'000`, and a number in quotes.
[[nodiscard]] std::uint64_t as_uint(const YamlNode& node, YamlRange<std::uint64_t> range = {});
/// The same, with an optional minus.
[[nodiscard]] std::int64_t as_int(const YamlNode& node, YamlRange<std::int64_t> range = {});
/// A number as JSON writes it (`0.5`, `-2`, `1e-3`); always finite.
[[nodiscard]] double as_double(const YamlNode& node, YamlRange<double> range = {});
/// `true` or `false`, in no other spelling.
[[nodiscard]] bool as_bool(const YamlNode& node);
/// Text. What YAML would read as a number, a boolean or null must be quoted.
[[nodiscard]] const std::string& as_string(const YamlNode& node);
/// Any scalar, as it stands in the file: `42` and `"42"` are both 42. Null is refused.
[[nodiscard]] const std::string& as_text(const YamlNode& node);
/// A number with a unit of ns, us, ms, s, min, h or d: `250ms`, `1.5s`. A bare number is refused.
[[nodiscard]] YamlDuration as_duration(const YamlNode& node,
                                       YamlRange<YamlDuration> range = kAnyDuration);
/// Bytes: an integer, or a number with a unit of B, kB, MB, GB, TB, KiB, MiB, GiB or TiB.
[[nodiscard]] std::uint64_t as_bytes(const YamlNode& node, YamlRange<std::uint64_t> range = {});
/// One of `choices`; otherwise the error names the nearest. `kind` is what they are ("step").
[[nodiscard]] const std::string& as_choice(const YamlNode& node, std::string_view kind,
                                           std::span<const std::string> choices);
/// The elements of a list.
[[nodiscard]] const std::vector<YamlNode>& as_list(const YamlNode& node);

/// Reads a map whose keys are known beforehand. The constructor refuses any other key, with the
/// nearest known one, before a value is looked at; so a misspelt key is never "missing".
///
/// - Ownership: borrows the node, which must outlive the reader.
/// - Exceptions: ConfigError. Asking for a key which is not in `known` is a bug of the caller, and
///   throws UsageError.
class MapReader {
 public:
  MapReader(const YamlNode& node, std::span<const std::string> known);

  [[nodiscard]] const YamlNode& node() const noexcept { return *node_; }
  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
  /// The value of `key`, or null if the map does not have it.
  [[nodiscard]] const YamlNode* find(std::string_view key) const;
  /// The value of `key`; throws if the map does not have it.
  [[nodiscard]] const YamlNode& require(std::string_view key) const;

  // Each is empty if the map does not have the key, and throws for a wrong value.
  [[nodiscard]] std::optional<std::uint64_t> get_uint(std::string_view key,
                                                      YamlRange<std::uint64_t> range = {}) const;
  [[nodiscard]] std::optional<std::int64_t> get_int(std::string_view key,
                                                    YamlRange<std::int64_t> range = {}) const;
  [[nodiscard]] std::optional<double> get_double(std::string_view key,
                                                 YamlRange<double> range = {}) const;
  [[nodiscard]] std::optional<bool> get_bool(std::string_view key) const;
  [[nodiscard]] std::optional<std::string> get_string(std::string_view key) const;
  [[nodiscard]] std::optional<std::string> get_text(std::string_view key) const;
  [[nodiscard]] std::optional<YamlDuration> get_duration(
      std::string_view key, YamlRange<YamlDuration> range = kAnyDuration) const;
  [[nodiscard]] std::optional<std::uint64_t> get_bytes(std::string_view key,
                                                       YamlRange<std::uint64_t> range = {}) const;

 private:
  const YamlNode* node_;
  std::vector<std::string> known_;
};

}  // namespace tarmac
