#include <tarmac/config/yaml_document.h>

#include "yaml_text.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>
#include <unordered_set>
#include <utility>

namespace tarmac {
namespace {

using internal::LineIndex;
using internal::placed_message;
using internal::reads_as_no_text;
using internal::shown;

constexpr std::size_t kPathBytesMax = 512;
constexpr auto kNowhere = std::string_view::npos;

bool is_null_spelling(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

/// `key` as a step of a path: `.undo`, or `["a b"]` where a dot would mislead.
std::string path_step(const std::string& parent, const std::string& key) {
  const bool simple = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
  });
  if (!simple) return parent + "[" + shown(key) + "]";
  return parent.empty() ? key : parent + "." + key;
}

/// Keys may be long and nested, and each node has its path: without a bound the paths of 10,000
/// nodes would take a hundred times what the file does.
std::string shortened(std::string path) {
  if (path.size() <= kPathBytesMax) return path;
  auto start = path.size() - kPathBytesMax + 3;
  while (start < path.size() && (static_cast<unsigned char>(path[start]) & 0xC0U) == 0x80U) ++start;
  return "..." + path.substr(start);
}

/// Whether the text has the second quote of the quoted scalar that begins at `start`.
bool quote_is_closed(std::string_view text, std::size_t start) {
  const char quote = text[start];
  for (std::size_t i = start + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 == text.size() || text[i + 1] != quote) return true;
      ++i;  // Two single quotes are one in the text.
    }
  }
  return false;
}

/// Whether the list or map in brackets that begins at `start` has its end in the text.
bool bracket_is_closed(std::string_view text, std::size_t start) {
  std::size_t depth = 0;
  for (std::size_t i = start; i < text.size(); ++i) {
    const char c = text[i];
    const bool begins_word = i == 0 || std::string_view(" \t\n[{,:").find(text[i - 1]) != kNowhere;
    if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      if (--depth == 0) return true;
    } else if (begins_word && c == '#') {
      i = std::min(text.find('\n', i), text.size());
    } else if (begins_word && (c == '"' || c == '\'')) {
      i = std::min(text.find(c, i + 1), text.size());
    }
  }
  return false;
}

/// Turns the parser's events into YamlNodes and refuses what is not wanted as it passes by: what
/// yaml-cpp would build in between (aliases expanded, the depth of the input) is never built.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, const LineIndex& lines,
              std::shared_ptr<const std::string> file)
      : text_(text), lines_(lines), file_(std::move(file)) {}

  [[nodiscard]] bool has_root() const noexcept { return has_root_; }
  [[nodiscard]] YamlNode take_root() { return std::move(root_); }
  /// Where the parser is: for what yaml-cpp itself complains about.
  [[nodiscard]] std::string current_path() const {
    return open_.empty() ? std::string() : open_.back().child_path();
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (has_root_) {
      const auto offset = offset_of(mark);
      const bool marked = text_.substr(std::min(offset, text_.size())).starts_with("---");
      refuse_at(
          offset, "",
          marked ? "a second document begins here" : "more text behind the end of the document",
          "keep one document in a file, and check the indentation of this line");
    }
    has_root_ = true;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto offset = offset_of(mark);
    refuse_properties(offset, anchor, "");
    add_scalar(offset, "", false);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    refuse(offset_of(mark), "an alias", "write the value out; anchors and aliases are not read");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const auto offset = offset_of(mark);
    refuse_properties(offset, anchor, tag);
    const char first = offset < text_.size() ? text_[offset] : '\0';
    if ((first == '"' || first == '\'') && !quote_is_closed(text_, offset)) {
      refuse(offset, "this quote is never closed", "close it at the end of the value");
    }
    add_scalar(offset, value, tag == "!");
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, YamlNode::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, YamlNode::Kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  /// A list or map under construction. Values are moved into their parent when they are complete,
  /// so no pointer into a growing vector is kept.
  struct Open {
    YamlNode node;
    bool has_key = false;
    std::string key;
    std::size_t key_offset = kNowhere;
    std::unordered_set<std::string> keys;

    [[nodiscard]] std::string child_path() const {
      if (!node.is_map()) return node.path + "[" + std::to_string(node.children.size()) + "]";
      return has_key ? path_step(node.path, key) : node.path;
    }
  };

  [[noreturn]] void refuse_at(std::size_t offset, std::string_view path, const std::string& wrong,
                              std::string_view mend) const {
    throw ConfigError(placed_message(*file_, lines_.place(offset), path, wrong, mend));
  }
  [[noreturn]] void refuse(std::size_t offset, const std::string& wrong,
                           std::string_view mend) const {
    refuse_at(offset, current_path(), wrong, mend);
  }

  [[nodiscard]] std::size_t offset_of(const YAML::Mark& mark) const {
    return mark.pos < 0 ? text_.size() : static_cast<std::size_t>(mark.pos);
  }

  void refuse_properties(std::size_t offset, YAML::anchor_t anchor, const std::string& tag) const {
    if (anchor != 0) {
      refuse(offset, "an anchor", "write the value out; anchors and aliases are not read");
    }
    // yaml-cpp reports a quoted scalar and the tag `!` alike; the text tells them apart.
    const bool tagged = offset < text_.size() && text_[offset] == '!';
    if (tagged || !(tag.empty() || tag == "?" || tag == "!")) {
      refuse(offset, "a tag", "remove it; the type of a value follows from its key");
    }
  }

  [[nodiscard]] bool expects_key() const {
    return !open_.empty() && open_.back().node.is_map() && !open_.back().has_key;
  }

  /// yaml-cpp places an absent value at whatever follows it, perhaps lines below. It belongs to its
  /// key, or to the dash or comma before it.
  [[nodiscard]] std::size_t place_of_absent(std::size_t offset) const {
    if (offset < text_.size() && is_null_spelling(text_.substr(offset, 1))) return offset;
    const auto word = text_.substr(std::min(offset, text_.size()), 4);
    if (word == "null" || word == "Null" || word == "NULL") return offset;
    if (open_.empty()) return offset;
    if (open_.back().node.is_map()) return open_.back().key_offset;
    const auto before = text_.substr(0, offset).find_last_not_of(" \t\r\n");
    return before == kNowhere ? offset : before;
  }

  void add_scalar(std::size_t offset, const std::string& value, bool quoted) {
    count_node(offset);
    if (value.size() > kYamlScalarBytesMax) {
      refuse(offset, "a text of more than 64 KiB", "shorten it");
    }
    if (expects_key()) {
      begin_key(offset, value, quoted);
      return;
    }
    if (value.empty() && !quoted) offset = place_of_absent(offset);
    YamlNode node = make_node(offset, YamlNode::Kind::scalar);
    node.text = value;
    node.quoted = quoted;
    attach(std::move(node));
  }

  void begin_key(std::size_t offset, const std::string& key, bool quoted) {
    auto& map = open_.back();
    if (key.size() > kYamlKeyBytesMax) {
      refuse(offset, "a key of more than 256 bytes", "shorten it");
    }
    if (!quoted && is_null_spelling(key)) {
      refuse(offset, "a value without a key", "write the key before the colon");
    }
    if (!quoted && key == "<<") {
      refuse(offset, "a merge key", "write the values out; `<<` is not read");
    }
    if (!quoted && reads_as_no_text(key)) {
      refuse(offset, "the key " + shown(key) + " is not text", "put it in quotes");
    }
    if (!map.keys.insert(key).second) {
      refuse_at(
          offset, path_step(map.node.path, key), "the key " + shown(key) + " is there twice",
          "keep one of them; the first is in line " + std::to_string(first_line_of(map, key)));
    }
    map.key = key;
    map.key_offset = offset;
    map.has_key = true;
  }

  [[nodiscard]] static std::size_t first_line_of(const Open& map, const std::string& key) {
    const auto* first = map.node.find(key);
    return first == nullptr ? map.node.line : first->key_line;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    const auto offset = offset_of(mark);
    refuse_properties(offset, anchor, tag);
    count_node(offset);
    if (expects_key()) refuse_key(offset);
    if (open_.size() >= kYamlDepthMax) {
      refuse(offset, "lists and maps are nested more than 32 deep", "flatten the file");
    }
    Open opened;
    opened.node = make_node(offset, kind);
    open_.push_back(std::move(opened));
  }

  [[noreturn]] void refuse_key(std::size_t offset) const {
    const bool bracket = offset < text_.size() && (text_[offset] == '[' || text_[offset] == '{');
    // What yaml-cpp finds no end of, it takes for the key of a value that is still to come.
    if (bracket && !bracket_is_closed(text_, offset)) {
      refuse(offset, std::string("this ") + text_[offset] + " is never closed",
             text_[offset] == '[' ? "close the list with ]" : "close the map with }");
    }
    refuse(offset, "a list or a map as a key", "a key is a text, `key: value`");
  }

  void close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    attach(std::move(node));
  }

  void attach(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    auto& parent = open_.back();
    parent.node.children.push_back(std::move(node));
    parent.has_key = false;
  }

  [[nodiscard]] YamlNode make_node(std::size_t offset, YamlNode::Kind kind) const {
    YamlNode node;
    node.kind = kind;
    const auto place = lines_.place(offset);
    node.line = place.line;
    node.column = place.column;
    node.path = shortened(current_path());
    node.file = file_;
    if (!open_.empty() && open_.back().node.is_map()) {
      node.key = open_.back().key;
      const auto key_place = lines_.place(open_.back().key_offset);
      node.key_line = key_place.line;
      node.key_column = key_place.column;
    }
    return node;
  }

  void count_node(std::size_t offset) {
    if (++nodes_ > kYamlNodesMax) {
      refuse(offset, "more than 10000 keys and values", "split the file");
    }
  }

  std::string_view text_;
  const LineIndex& lines_;
  std::shared_ptr<const std::string> file_;
  std::vector<Open> open_;
  YamlNode root_;
  bool has_root_ = false;
  std::size_t nodes_ = 0;
};

/// What to do about a complaint of yaml-cpp, whose sentences name the grammar's rules.
std::string_view mend_for(std::string_view complaint) {
  if (complaint.find("end of map not found") != kNowhere) {
    return "check the indentation, quotes and braces of this line and the one before";
  }
  if (complaint.find("illegal map value") != kNowhere) {
    return "put a text that holds `: ` in quotes, or check the indentation";
  }
  if (complaint.find("end of sequence") != kNowhere) {
    return "close the list, or check the indentation";
  }
  if (complaint.find("unknown token") != kNowhere) {
    return "put a text that begins with a special character in quotes";
  }
  return "correct the YAML here";
}

YamlNode parse_checked(std::string_view text, const LineIndex& lines,
                       const std::shared_ptr<const std::string>& file) {
  TreeBuilder builder(text, lines, file);
  try {
    std::istringstream input{std::string(text)};
    YAML::Parser parser(input);
    if (parser.HandleNextDocument(builder)) static_cast<void>(parser.HandleNextDocument(builder));
  } catch (const YAML::Exception& error) {
    const auto offset =
        error.mark.is_null() ? text.size() : static_cast<std::size_t>(error.mark.pos);
    throw ConfigError(placed_message(*file, lines.place(offset), builder.current_path(),
                                     "not valid YAML: " + error.msg, mend_for(error.msg)));
  }
  if (!builder.has_root()) {
    throw ConfigError(placed_message(*file, {}, "", "the file is empty",
                                     "write the settings, or give another file"));
  }
  return builder.take_root();
}

}  // namespace

YamlNode parse_yaml(std::string_view text, std::string_view file_name) {
  const auto file = std::make_shared<const std::string>(file_name);
  const LineIndex lines(text.substr(0, kYamlFileBytesMax + 1));
  internal::check_text(text, *file, lines);
  return parse_checked(text, lines, file);
}

YamlNode load_yaml(const std::filesystem::path& path) {
  const auto refuse = [&](const std::string& wrong) {
    throw ConfigError(path.string() + ": " + wrong + "; check the path and its permissions");
  };
  std::error_code failure;
  if (std::filesystem::is_directory(path, failure)) refuse("is a folder, not a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) refuse("cannot be opened: " + std::generic_category().message(errno));
  // One byte more than is allowed tells a file that is too large, however large it is.
  std::string text(kYamlFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) refuse("cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return parse_yaml(text, path.string());
}

}  // namespace tarmac
