// Goal: no input, however damaged, does anything but load or throw ConfigError. Method: random
// bytes, random pieces of YAML, and good files with random damage.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <tarmac/config/config.h>
#include <tarmac/config/yaml_document.h>
#include <tarmac/core/error.h>

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "shipped_files.h"

namespace tarmac {
namespace {

/// Loads, or throws ConfigError; anything else leaves the test as an exception.
void expect_loads_or_refuses(const std::string& text) {
  try {
    const auto config = parse_config(text, "f");
    RC_ASSERT(!config.caches.empty());
    RC_CLASSIFY(true, "loads");
  } catch (const ConfigError& error) {
    const std::string message = error.what();
    RC_ASSERT(message.starts_with("f:"));
    RC_ASSERT(message.find("; ") != std::string::npos);
    RC_ASSERT(message.size() < 4'000);
    RC_ASSERT(message.find_first_of("\n\r\x1B") == std::string::npos);
  }
}

std::vector<std::string> good_files() {
  std::vector<std::string> texts;
  for (const auto& path : shipped_files()) texts.push_back(text_of(path));
  return texts;
}

const std::vector<std::string>& pieces() {
  static const std::vector<std::string> all{"caches:",
                                            "observers:",
                                            "name: ",
                                            "- ",
                                            "  ",
                                            "\n",
                                            "\n    ",
                                            ": ",
                                            ", ",
                                            "[",
                                            "]",
                                            "{",
                                            "}",
                                            "\"",
                                            "'",
                                            "#",
                                            "|",
                                            ">",
                                            "&a",
                                            "*a",
                                            "!t",
                                            "? ",
                                            "---",
                                            "...",
                                            "%YAML",
                                            "\t",
                                            "\r\n",
                                            "~",
                                            "null",
                                            "<<: ",
                                            "5",
                                            "010",
                                            "-1",
                                            ".nan",
                                            "1s",
                                            "64MiB",
                                            "lru",
                                            "eviction: ",
                                            "memory",
                                            "store: ",
                                            "true",
                                            "\xC3\xA9",
                                            "\xFF",
                                            "\\",
                                            "undo: ",
                                            "shards: ",
                                            "write_policy: ",
                                            "write_back",
                                            "default_ttl: ",
                                            "@",
                                            "`",
                                            "metrics: ",
                                            "\x01"};
  return all;
}

RC_GTEST_PROP(RandomInput, BytesAreRefusedOrLoaded, (const std::string& text)) {
  expect_loads_or_refuses(text);
}

RC_GTEST_PROP(RandomInput, PiecesOfYamlAreRefusedOrLoaded, ()) {
  const auto chosen = *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(pieces()));
  std::string text;
  for (const auto& piece : chosen) text += piece;
  expect_loads_or_refuses(text);
}

/// A shipped file with a few random changes. About half of them still load.
std::string damaged_file() {
  static const auto files = good_files();
  std::string text = *rc::gen::elementOf(files);
  const auto damages = *rc::gen::inRange(1, 6);
  for (int i = 0; i < damages; ++i) {
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size() + 1);
    switch (*rc::gen::inRange(0, 5)) {
      case 0:
        text.insert(at, *rc::gen::elementOf(pieces()));
        break;
      case 1:
        text.erase(at, *rc::gen::inRange<std::size_t>(1, 20));
        break;
      case 2:
        if (at < text.size()) text[at] = *rc::gen::arbitrary<char>();
        break;
      case 3:
        text.resize(at);  // A file that was cut off.
        break;
      default:
        text.insert(at, text.substr(at, *rc::gen::inRange<std::size_t>(1, 200)));
        break;
    }
  }
  return text;
}

RC_GTEST_PROP(RandomInput, DamagedGoodFilesAreRefusedOrLoaded, ()) {
  expect_loads_or_refuses(damaged_file());
}

// The nodes of a tree that was accepted stand in their text, where they say.
RC_GTEST_PROP(RandomInput, AcceptedTreesPointIntoTheirText, ()) {
  const auto text = damaged_file();
  std::optional<YamlNode> root;
  try {
    root = parse_yaml(text, "f");
  } catch (const ConfigError&) {
    return;  // What a refusal looks like is the subject of the properties above.
  }
  RC_CLASSIFY(true, "accepted");
  std::vector<std::string> lines;
  std::istringstream input(text);
  for (std::string line; std::getline(input, line);) lines.push_back(line);
  std::vector<const YamlNode*> left{&*root};
  std::size_t nodes = 0;
  while (!left.empty()) {
    const auto* node = left.back();
    left.pop_back();
    ++nodes;
    for (const auto& child : node->children) left.push_back(&child);
    if (node->is_null()) continue;  // Its place is that of its key, dash or comma.
    RC_ASSERT(node->line >= 1U && node->line <= lines.size());
    const auto& line = lines[node->line - 1];
    const auto is_ascii = std::all_of(line.begin(), line.end(), [](char c) { return c > 0; });
    if (!is_ascii) continue;
    RC_ASSERT(node->column >= 1U && node->column <= line.size());
    const char first = line[node->column - 1];
    RC_ASSERT(first != ' ' && first != '#');
    if (node->is_scalar() && !node->quoted) RC_ASSERT(first == node->text[0]);
  }
  RC_ASSERT(nodes <= kYamlNodesMax);
}

// The inputs which make a parser of YAML slow or hungry, each as large as a file may be.
TEST(HostileInput, IsRefusedWithoutMuchWork) {
  constexpr std::array<const char*, 34> kPieces{
      "[",      "{",     "- ",  "? ",  "a: ",      "[a,",     "'x' ",    "\"",  "#",
      "\n",     "a\n",   ",",   "!a ", "&a ",      "*a ",     "{a: ",    "[]",  "{}",
      "%a\n",   "---\n", "|\n", "] ",  ": ",       "? a\n: ", "\"a\": ", "{\"", "- - ",
      "a:\n- ", "[\n",   "{?",  "- ?", "\xC3\xA9", "[\"a\":", "a:\n "};
  for (const std::string piece : kPieces) {
    std::string text;
    while (text.size() + piece.size() <= kYamlFileBytesMax) text += piece;
    EXPECT_THROW(static_cast<void>(parse_config(text, "f")), ConfigError) << piece;
    EXPECT_THROW(static_cast<void>(parse_config("caches: [" + text.substr(10), "f")), ConfigError)
        << piece;
  }
}

}  // namespace
}  // namespace tarmac
