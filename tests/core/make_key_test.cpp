// Keys from arguments: that equal lists, and no others, have equal keys, here and elsewhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <tarmac/core/cache_manager.h>
#include <tarmac/core/make_key.h>
#include <tarmac/strategies/catalog.h>

#include <array>
#include <deque>
#include <fstream>
#include <limits>
#include <list>
#include <locale>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "core_rig.h"

namespace tarmac {
namespace key_tests {

struct Point {
  int x = 0;
  int y = 0;
};
struct Vector {
  int x = 0;
  int y = 0;
};
enum class Colour : std::uint8_t { red, green };
enum class Fruit : std::int32_t { quince = -1, apple = 1 };

/// A value of any shape.
struct Tree {
  std::variant<std::int64_t, std::string, std::optional<std::string>, std::vector<Tree>> node;
  bool operator==(const Tree&) const = default;
};

}  // namespace key_tests

template <>
struct KeyParts<key_tests::Point> {
  static constexpr std::string_view kName = "Point";
  static auto of(const key_tests::Point& p) { return std::tie(p.x, p.y); }
};
template <>
struct KeyParts<key_tests::Vector> {
  static constexpr std::string_view kName = "Vector";
  static auto of(const key_tests::Vector& v) { return std::tie(v.x, v.y); }
};
template <>
struct KeyParts<key_tests::Fruit> {
  static constexpr std::string_view kName = "Fruit";
  static int of(key_tests::Fruit fruit) { return static_cast<int>(fruit); }
};
template <>
struct KeyParts<key_tests::Tree> {
  static constexpr std::string_view kName = "Tree";
  static const auto& of(const key_tests::Tree& tree) { return tree.node; }
};

namespace key_tests {

using ::testing::ElementsAreArray;

/// One line of the golden file for each: what it is, and its key.
std::vector<std::string> golden_lines() {
  using namespace std::string_literals;
  const std::unordered_map<std::string, int> map{{"b", 2}, {"a", 1}, {"", 0}};
  std::vector<std::string> lines;
  const auto add = [&lines](const char* what, const std::string& key) {
    lines.push_back(what + "\t"s + key);
    lines.push_back("  reads\t"s + describe_key(key));
  };
  add("no arguments", make_key());
  add("integers", make_key(0, -1, 42, 1U, std::int8_t{-128}, std::uint8_t{255}));
  add("extremes", make_key(std::numeric_limits<std::int64_t>::min(),
                           std::numeric_limits<std::uint64_t>::max()));
  add("truth", make_key(true, false));
  add("characters", make_key('a', '\n', U'\u20ac'));
  add("floats", make_key(0.0, -0.0, 1.0, 0.1, 0.5F, -1e300));
  add("not finite",
      make_key(std::numeric_limits<double>::infinity(), -std::numeric_limits<float>::infinity(),
               std::numeric_limits<double>::quiet_NaN()));
  add("strings", make_key("", "a", "a\"b\\", "\x01", std::string_view("i1;"), std::string("kéy")));
  add("optionals", make_key(std::optional<int>(), std::optional<int>(7), std::nullopt,
                            std::optional<std::optional<int>>(std::in_place, std::nullopt)));
  add("tuples", make_key(std::pair(1, "x"), std::tuple<>(), std::tuple(1, std::tuple(2))));
  add("sequences", make_key(std::vector{1, 2}, std::vector<bool>{true, false},
                            std::array<std::string, 1>{"s"}, std::list<int>{}));
  add("sets", make_key(std::set<int>{10, 9}, std::unordered_set<int>{}));
  add("maps", make_key(map));
  add("variants", make_key(std::variant<int, std::string>("s"), std::variant<std::monostate>()));
  add("enumerations", make_key(Colour::green, Fruit::quince));
  add("types of the user's", make_key(Point{1, 2}, std::vector{Vector{3, 4}}));
  add("names", make_key("user", 42, std::vector{1, 2}, kw("b", 2), kw("a", 1)));
  return lines;
}

// trap H6: the file was written by another process; what is persisted must be found again.
TEST(MakeKey, IsWhatTheGoldenFileSays) {
  std::ifstream file(std::string(TARMAC_SOURCE_DIR) + "/tests/core/data/make_key.golden");
  ASSERT_TRUE(file);
  std::vector<std::string> golden;
  for (std::string line; std::getline(file, line);) golden.push_back(line);
  std::string now;
  for (const auto& line : golden_lines()) now += line + "\n";
  EXPECT_THAT(golden_lines(), ElementsAreArray(golden)) << "the whole as it is now:\n" << now;
}

/// Writes numbers as nobody should.
class OddNumbers final : public std::numpunct<char> {
  [[nodiscard]] char do_decimal_point() const override { return ','; }
  [[nodiscard]] char do_thousands_sep() const override { return '.'; }
  [[nodiscard]] std::string do_grouping() const override { return "\3"; }
};

TEST(MakeKey, DoesNotDependOnTheLocale) {  // trap H6
  const auto before = make_key(1'234'567, 0.5, "x");
  const auto former = std::locale::global(std::locale(std::locale(), new OddNumbers));
  const auto after = make_key(1'234'567, 0.5, "x");
  std::locale::global(former);
  EXPECT_EQ(after, before);
}

TEST(MakeKey, TellsWhereOneArgumentEnds) {  // trap H3
  EXPECT_NE(make_key("a", "bc"), make_key("ab", "c"));
  EXPECT_NE(make_key("a", "b"), make_key("a,b"));
  EXPECT_NE(make_key("a"), make_key("a", ""));
  EXPECT_NE(make_key("s1:a"), make_key("a"));
  EXPECT_NE(make_key(1, 23), make_key(12, 3));
  EXPECT_NE(make_key(std::vector{1}, 2), make_key(std::vector{1, 2}));
  EXPECT_NE(make_key(std::pair(1, 2)), make_key(1, 2));
  EXPECT_NE(make_key(std::string("a\0b", 3)), make_key(std::string("a\0c", 3)));
}

TEST(MakeKey, GoesByValueAndNotByWidth) {  // trap H4
  EXPECT_EQ(make_key(1), make_key(1L));
  EXPECT_EQ(make_key(1), make_key(std::uint8_t{1}));
  EXPECT_NE(make_key(-1), make_key(std::numeric_limits<std::uint32_t>::max()));
  EXPECT_EQ(make_key(0.5), make_key(0.5F));
  EXPECT_NE(make_key(0.1), make_key(0.1F));  // They are not the same number.
  EXPECT_EQ(make_key("s"), make_key(std::string("s")));
  EXPECT_EQ(make_key("s"), make_key(std::string_view("s")));
  EXPECT_EQ(make_key(std::vector{1, 2}), make_key(std::deque<long>{1, 2}));
}

TEST(MakeKey, TellsKindsApart) {  // trap H4
  const std::vector<std::string> keys{make_key(1),
                                      make_key(1.0),
                                      make_key(true),
                                      make_key('1'),
                                      make_key("1"),
                                      make_key(Colour::green),
                                      make_key(std::optional<int>(1)),
                                      make_key(std::vector{1}),
                                      make_key(std::set<int>{1}),
                                      make_key(std::tuple(1)),
                                      make_key(kw("x", 1)),
                                      make_key(std::variant<int>(1)),
                                      make_key(Fruit::apple)};
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), keys.size());
}

TEST(MakeKey, TellsZerosApartButNoNans) {  // trap H4
  EXPECT_NE(make_key(0.0), make_key(-0.0));
  const double quiet = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(make_key(quiet), make_key(-quiet));
  EXPECT_EQ(make_key(quiet), make_key(std::numeric_limits<float>::quiet_NaN()));
}

TEST(MakeKey, SeesNoOrderWhereThereIsNone) {  // trap H5
  std::unordered_map<int, std::string> up(1);
  std::unordered_map<int, std::string> down(1024);
  for (int i = 0; i < 100; ++i) up[i] = std::to_string(i);
  for (int i = 99; i >= 0; --i) down[i] = std::to_string(i);
  ASSERT_NE(up.begin()->first, down.begin()->first) << "the two show their elements alike";
  EXPECT_EQ(make_key(up), make_key(down));
  EXPECT_EQ(make_key(up), make_key(std::map<int, std::string>(up.begin(), up.end())));
  EXPECT_EQ(make_key(std::set<int, std::greater<>>{1, 2}), make_key(std::set<int>{1, 2}));
  EXPECT_NE(make_key(std::multiset<int>{1, 1}), make_key(std::multiset<int>{1}));
}

TEST(MakeKey, TakesNamesInAnyOrder) {
  EXPECT_EQ(make_key("f", kw("a", 1), kw("b", 2)), make_key("f", kw("b", 2), kw("a", 1)));
  EXPECT_EQ(make_key(kw("a", "x"), "f"), make_key("f", kw("a", std::string("x"))));
  EXPECT_NE(make_key(kw("a", 1), kw("b", 2)), make_key(kw("a", 2), kw("b", 1)));
  EXPECT_NE(make_key(kw("a", 1)), make_key("a", 1));
  EXPECT_THROW(static_cast<void>(make_key(kw("a", 1), kw("a", 1))), UsageError);
  EXPECT_THROW(static_cast<void>(make_key(kw("", 1), kw("", 2))), UsageError);
}

TEST(MakeKey, KnowsTypesOfTheUsersByName) {  // trap H2, for types
  EXPECT_NE(make_key(Point{1, 2}), make_key(Vector{1, 2}));
  EXPECT_NE(make_key(Point{1, 2}), make_key(Point{2, 1}));
}

TEST(MakeKey, RefusesANullPointer) {
  const char* nothing = nullptr;
  EXPECT_THROW(static_cast<void>(make_key(nothing)), UsageError);
}

// A word over the encoding's own characters, where a weak encoding would break first.
rc::Gen<std::string> tricky_text() {
  return rc::gen::container<std::string>(
      rc::gen::elementOf(std::string("sink01:;[](){}<>,\"\\\0", 20)));
}

rc::Gen<Tree> any_tree(int depth) {
  auto number = rc::gen::map(rc::gen::inRange<std::int64_t>(-2, 3), [](auto n) { return Tree{n}; });
  auto text = rc::gen::map(tricky_text(), [](std::string s) { return Tree{std::move(s)}; });
  auto maybe = rc::gen::map(rc::gen::maybe(tricky_text()), [](const rc::Maybe<std::string>& s) {
    return Tree{s ? std::optional<std::string>(*s) : std::nullopt};
  });
  if (depth == 0) return rc::gen::oneOf(number, text, maybe);
  auto branch =
      rc::gen::map(rc::gen::resize(4, rc::gen::container<std::vector<Tree>>(any_tree(depth - 1))),
                   [](std::vector<Tree> parts) { return Tree{std::move(parts)}; });
  return rc::gen::oneOf(number, text, maybe, branch, branch);
}

}  // namespace key_tests
}  // namespace tarmac

namespace tarmac::key_tests {

// Prints what rapidcheck found.
// NOLINTNEXTLINE(readability-identifier-naming): rapidcheck's name for it
void showValue(const Tree& tree, std::ostream& out) { out << describe_key(make_key(tree)); }

RC_GTEST_PROP(MakeKeyProperty, EqualTreesAndNoOthersHaveEqualKeys, ()) {  // trap H3
  const auto a = *rc::gen::resize(3, any_tree(2));
  const auto b = *rc::gen::resize(3, any_tree(2));
  RC_ASSERT((make_key(a) == make_key(b)) == (a == b));
  RC_ASSERT(make_key(a) == make_key(Tree(a)));
}

RC_GTEST_PROP(MakeKeyProperty, ListsOfAnyLengthDoNotMeet, ()) {  // trap H3
  const auto texts = *rc::gen::container<std::vector<std::string>>(4, tricky_text());
  const std::set<std::string> keys{make_key(texts[0]), make_key(texts[0], texts[1]),
                                   make_key(texts[0], texts[1], texts[2]),
                                   make_key(texts[0] + texts[1] + texts[2], texts[3]),
                                   make_key(texts[0], kw(texts[1], texts[2]))};
  RC_ASSERT(keys.size() == (texts[1] + texts[2] == "" && texts[3] == texts[1] ? 4U : 5U));
}

RC_GTEST_PROP(MakeKeyProperty, AnyTextCanBeDescribed, ()) {
  const auto text = *tricky_text();
  RC_ASSERT(!describe_key(text + "\x01").empty());
}

TEST(DescribeKey, ReadsWhatMakeKeyWrote) {
  EXPECT_EQ(describe_key(make_key("user", 42, std::vector{1, 2}, kw("a", 1))),
            R"("user", 42, [1, 2], a=1)");
}

TEST(DescribeKey, QuotesWhatItDidNotWrite) {
  EXPECT_EQ(describe_key("alice"), R"("alice")");
  EXPECT_EQ(describe_key("s9:short"), R"("s9:short")");
  EXPECT_EQ(describe_key(make_key(kw("a\nb", 1))), R"("a\x0ab"=1)");
  EXPECT_EQ(describe_key("i12"), R"("i12")");
  EXPECT_EQ(describe_key("i;"), R"("i;")");
  EXPECT_EQ(describe_key("i1;]"), R"("i1;]")");
  const std::string deep(100'000, '[');
  EXPECT_EQ(describe_key(deep), "\"" + deep + "\"");
}

// trap H1: when all keys fall together, it is the whole key that decides.
TEST(MakeKey, IsComparedWholeWhenHashesMeet) {
  struct OneHash {
    std::uint64_t operator()(std::string_view, std::uint64_t) const { return 1; }
  };
  register_built_in_strategies();
  CacheManager<std::string, int, OneHash> cache(core_tests::quiet_options(nullptr));
  for (int i = 0; i < 50; ++i) cache.set(make_key("f", i), i);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(cache.get(make_key("f", i)), i);
}

// trap H7: whoever knows the hash does not know the seed.
TEST(MakeKey, IsHashedWithASeed) {
  EXPECT_NE(hash_bytes(make_key("f", 1), 1), hash_bytes(make_key("f", 1), 2));
  EXPECT_NE(random_seed(), random_seed());
}

// trap H9: the cache keeps a key of its own, whatever becomes of the caller's.
TEST(MakeKey, IsCopiedIntoTheCache) {
  register_built_in_strategies();
  core_tests::StringCache cache(core_tests::quiet_options(nullptr));
  auto key = std::make_unique<std::string>(make_key("a long key, not kept in the string", 1));
  cache.set(std::string_view(*key), "v");
  std::fill(key->begin(), key->end(), '#');
  key.reset();
  EXPECT_EQ(cache.get(make_key("a long key, not kept in the string", 1)), "v");
}

}  // namespace tarmac::key_tests
