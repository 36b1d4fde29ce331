// The examples of docs/loading.md, and of README.md about them, compiled and run.
#undef NDEBUG  // The pages say assert, so it must hold in every build.
#include <gtest/gtest.h>
#include <tarmac/tarmac.h>

#include <cassert>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace loading_page {

struct Point {
  int x = 0;
  int y = 0;
};
struct Person {
  std::string name;
};
struct Shape {
  double side = 0;
  [[nodiscard]] double width(double scale) const { return side * scale; }
};
struct Database {
  [[nodiscard]] Person find(const std::string& name) const { return {name}; }
  [[nodiscard]] std::map<std::string, Person> find_all(
      const std::vector<std::string>& names) const {
    std::map<std::string, Person> found;
    for (const auto& name : names) found[name] = find(name);
    return found;
  }
};
inline double area(const Shape& shape, double scale) { return shape.side * shape.side * scale; }

}  // namespace loading_page

using loading_page::Point;

// clang-format off
// [key-parts]
template <>
struct tarmac::KeyParts<Point> {
  static constexpr std::string_view kName = "Point";
  static auto of(const Point& p) { return std::tie(p.x, p.y); }
};
// [/key-parts]
// clang-format on

template <>
struct tarmac::KeyParts<loading_page::Shape> {
  static constexpr std::string_view kName = "Shape";
  static double of(const loading_page::Shape& shape) { return shape.side; }
};

namespace loading_page {
namespace {

using namespace std::chrono_literals;

tarmac::CacheOptions named(const char* name) {
  tarmac::CacheOptions options;
  options.name = name;
  return options;
}

tarmac::Weigher<std::string, Person> by_name() {
  return
      [](const std::string& key, const Person& person) { return key.size() + person.name.size(); };
}

TEST(LoadingPage, Loads) {
  const Database database;
  tarmac::CacheManager<std::string, Person> people(named("people"), by_name());
  // clang-format off
  // [get-or-load]
  Person alice = people.get_or_load("alice", [&] { return database.find("alice"); });
  // [/get-or-load]
  // [loaded]
  Person bob = people.get_or_load("bob", [&] {  // How long, and how heavy.
    return tarmac::Loaded<Person>{database.find("bob"), {.ttl = 30s, .weight = 512}};
  });
  std::optional<Person> eve = people.get_or_load("eve", [&]() -> std::optional<Person> {
    return std::nullopt;  // There is none: everybody gets nothing, and nothing is kept.
  });
  // [/loaded]
  // clang-format on
  EXPECT_EQ(alice.name, "alice");
  EXPECT_EQ(people.inspect("bob")->weight, 512U);
  EXPECT_EQ(bob.name, "bob");
  EXPECT_FALSE(eve);
}

TEST(LoadingPage, LoadsManyAndElsewhere) {
  const Database database;
  const std::vector<std::string> names{"alice", "bob"};
  const tarmac::Executor executor = [](const std::function<void()>& task) { task(); };
  tarmac::CacheManager<std::string, Person> people(named("people"), by_name());
  // clang-format off
  // [many]
  std::vector<std::optional<Person>> all =
      people.get_many_or_load(names, [&](const std::vector<std::string>& missing) {
        return database.find_all(missing);  // A map or a list of pairs.
      });
  std::future<Person> carol = people.load_async("carol", [&] { return database.find("carol"); }, executor);
  // [/many]
  // [options]
  tarmac::LoadOptions careful{.negative_ttl = 5s, .stale_if_error = 1h, .hard_timeout = 2s};
  Person dave = people.get_or_load("dave", [&] { return database.find("dave"); }, careful);
  // [/options]
  // clang-format on
  EXPECT_EQ(all.at(1)->name, "bob");
  EXPECT_EQ(carol.get().name, "carol");
  EXPECT_EQ(dave.name, "dave");
}

// clang-format off
// [naive]
std::string naive_key(const std::string& user, const std::string& topic) {
  return user + topic;
}
// [/naive]
// clang-format on

TEST(LoadingPage, MakesKeys) {
  // clang-format off
  // [naive]
  assert(naive_key("ann", "amaze") == naive_key("anna", "maze"));  // Ann sees what is Anna's.
  assert(tarmac::make_key("ann", "amaze") != tarmac::make_key("anna", "maze"));
  // [/naive]
  // [make-key]
  std::string key = tarmac::make_key("user", 42, std::vector{1, 2}, tarmac::kw("b", 2), tarmac::kw("a", 1));
  std::string shown = tarmac::describe_key(key);  // "user", 42, [1, 2], a=1, b=2
  // [/make-key]
  // clang-format on
  EXPECT_EQ(shown, "\"user\", 42, [1, 2], a=1, b=2");
  EXPECT_NE(tarmac::make_key(Point{1, 2}), tarmac::make_key(Point{2, 1}));
}

TEST(LoadingPage, Memoizes) {
  const Shape shape{2};
  tarmac::CacheManager<std::string, double> areas(named("areas"));
  // clang-format off
  // [memoize]
  auto fast = tarmac::memoize(areas, "area", area);  // Called like area.
  auto width = tarmac::memoize(areas, "width", &Shape::width);  // The object comes first.
  auto fib = tarmac::memoize<double(int)>(areas, "fib", [](const auto& self, int n) -> double {
    return n < 2 ? n : self(n - 1) + self(n - 2);
  });
  areas.erase(fast.key(shape, 0.5));  // Forget one call.
  // [/memoize]
  // clang-format on
  EXPECT_EQ(width(shape, 3), 6.0);
  EXPECT_EQ(fib(50), 12'586'269'025.0);
}

TEST(LoadingPage, ShowsBothInTheReadme) {
  const Shape shape{2};
  const Database database;
  tarmac::CacheManager<std::string, Person> people(named("people"), by_name());
  tarmac::CacheManager<std::string, double> areas(named("areas"));
  // clang-format off
  // [readme]
  auto fast = tarmac::memoize(areas, "area", area);  // Called like area.
  double a = fast(shape, 0.5);                       // One thread computes, however many ask.
  Person p = people.get_or_load("alice", [&] { return database.find("alice"); });
  // [/readme]
  // clang-format on
  EXPECT_EQ(a, 2.0);
  EXPECT_EQ(p.name, "alice");
}

}  // namespace
}  // namespace loading_page
