#include "lab/caches.h"
#include "stops/stops.h"

#include <tarmac/core/make_key.h>
#include <tarmac/core/memoize.h>
#include <tarmac/demo/words.h>

#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tarmac::interview {
namespace {

using std::to_string;

/// A pair of calls, and whether their keys meet: by hand, and by make_key().
struct Case {
  const char* bug;
  const char* calls;
  bool are_equal;
  bool meet_by_hand;
  bool meet_by_make_key;
};

std::string listed(const std::unordered_map<std::string, int>& map) {
  std::string text;
  for (const auto& [name, value] : map) text += name + "=" + to_string(value) + ";";
  return text;
}

std::string address_of(const std::vector<int>& list) {
  return to_string(reinterpret_cast<std::uintptr_t>(&list));
}

std::vector<Case> cases() {
  std::vector<int> basket{1, 2};
  const auto address_before = address_of(basket);
  const auto key_before = make_key(basket);
  basket.push_back(3);
  const auto address_after = address_of(basket);
  const auto key_after = make_key(basket);

  std::unordered_map<std::string, int> one;
  std::unordered_map<std::string, int> other(64);
  const std::vector<std::pair<std::string, int>> items{
      {"ann", 1}, {"bob", 2}, {"carl", 3}, {"dora", 4}};
  for (const auto& [name, value] : items) one.emplace(name, value);
  for (auto at = items.rbegin(); at != items.rend(); ++at) other.emplace(at->first, at->second);

  const auto joined = [](const std::string& a, const std::string& b) { return a + b; };
  const auto barred = [](const std::string& a, const std::string& b) { return a + "|" + b; };
  return {
      {"ambiguous joining", "(ann, amaze)  (anna, maze)", false,
       joined("ann", "amaze") == joined("anna", "maze"),
       make_key("ann", "amaze") == make_key("anna", "maze")},
      {"a separator in a name", "(a|b, c)  (a, b|c)", false,
       barred("a|b", "c") == barred("a", "b|c"), make_key("a|b", "c") == make_key("a", "b|c")},
      {"a mutable argument", "(&basket)  (&basket, changed)", false,
       address_before == address_after, key_before == key_after},
      {"order of arguments", "(x=5, y=2)  (y=2, x=5)", true,
       std::string("limit=5,page=2") == "page=2,limit=5",
       make_key(kw("limit", 5), kw("page", 2)) == make_key(kw("page", 2), kw("limit", 5))},
      {"order of a hash map", "({ann…dora})  ({dora…ann})", true, listed(one) == listed(other),
       make_key(one) == make_key(other)},
      {"kinds as text", "(1)  (\"1\")", false, to_string(1) == std::string("1"),
       make_key(1) == make_key("1")},
      {"digits of a number", "(1e-9)  (2e-9)", false, to_string(1e-9) == to_string(2e-9),
       make_key(1e-9) == make_key(2e-9)},
  };
}

/// Different pairs of short strings, and how many keys they have.
void count_collisions(std::size_t pairs, Findings& findings) {
  std::mt19937_64 random(1);
  const auto word = [&random] {
    std::string text(random() % 6, 'a');
    for (auto& letter : text) letter = random() % 2 == 0 ? 'a' : 'b';
    return text;
  };
  std::set<std::pair<std::string, std::string>> calls;
  std::set<std::string> joined;
  std::set<std::string> made;
  for (std::size_t i = 0; i < pairs; ++i) {
    const auto call = std::pair(word(), word());
    calls.insert(call);
    joined.insert(call.first + call.second);
    made.insert(make_key(call.first, call.second));
  }
  findings.add(Bars{demo::grouped(calls.size()) + " different calls have",
                    "keys",
                    {{"joined", static_cast<double>(joined.size()), demo::grouped(joined.size())},
                     {"make_key", static_cast<double>(made.size()), demo::grouped(made.size())}}});
  findings.facts["calls"] = static_cast<double>(calls.size());
  findings.facts["joined"] = static_cast<double>(joined.size());
  findings.facts["made"] = static_cast<double>(made.size());
}

/// What a user sees of a wrong key: memoized by hand, and by memoize().
bool answers_are_right() {
  TextCache cache(plain_options(100));
  const auto greet = memoize(cache, "greet", [](const std::string& user, const std::string& topic) {
    return user + " likes " + topic;
  });
  return greet("ann", "amaze") == "ann likes amaze" && greet("anna", "maze") == "anna likes maze";
}

Findings collide(const Surroundings& surroundings) {
  Findings findings;
  demo::Table table{{"bug", "two calls", "which are", "by hand", "make_key"}, {}};
  bool all_right = true;
  int wrong_by_hand = 0;
  for (const auto& one : cases()) {
    const auto verdict = [&](bool meet) {
      return std::string(meet ? "one key" : "two keys") + (meet == one.are_equal ? "" : "  ✗");
    };
    all_right = all_right && one.meet_by_make_key == one.are_equal;
    wrong_by_hand += one.meet_by_hand != one.are_equal ? 1 : 0;
    table.rows.push_back({{one.bug},
                          {one.calls},
                          {one.are_equal ? "equal" : "different"},
                          {verdict(one.meet_by_hand)},
                          {verdict(one.meet_by_make_key)}});
  }
  findings.add(std::move(table));
  count_collisions(surroundings.work(5'000), findings);
  findings.say("Read back for a log: describe_key gives " +
               describe_key(make_key("user", 42, std::vector{1, 2}, kw("page", 2))));
  findings.facts["wrong_by_hand"] = wrong_by_hand;
  findings.claim("make_key: one key if and only if the arguments are equal",
                 all_right && findings.facts["made"] == findings.facts["calls"]);
  findings.claim("keys by hand go wrong in most of these cases", wrong_by_hand >= 5);
  findings.claim("a memoized function never answers for other arguments", answers_are_right());
  return findings;
}

}  // namespace

Stop keys_stop() {
  return {
      .name = "keys",
      .chapter = Chapter::talking_points,
      .title = "Keys from arguments, and their bugs",
      .question =
          "You cache the results of a function. How do you make the key, and how does that go "
          "wrong?",
      .experiment =
          "Seven pairs of calls with keys made by hand, as programs do it, and by make_key; then "
          "thousands of "
          "pairs of short strings.",
      .run = collide,
      .answer = R"(
By making the encoding *injective*: two lists of arguments have the same key if and only if they are equal. `make_key` tags each
part with its kind and with its length or end, so nothing can flow over into its neighbour. Sets and maps are sorted by the
encoding of their elements, so an accident of iteration does not count. Named arguments (`kw`) come in any order. Floating point is
encoded by its bits, not by six digits.

A mutable argument must be in the key by its content at the time of the call, never by its address: the address stays when the
content changes, and it means nothing to the next process. `make_key` refuses pointers at compile time. And the key is not a
hash: a hash of the arguments as the key gives one user another's data, once in a blue moon, with nobody able to explain it.)",
      .follow_ups = {{"Two functions in one cache?",
                      "The name is part of the key: `memoize(cache, \"area\", area)`. A function "
                      "that changes its mind gets a new name, "
                      "if the cache outlives the program."},
                     {"How long may keys live?",
                      "The encoding is the same on every platform and stays as it is, so keys may "
                      "stand in a log or in Redis."},
                     {"Types of one's own?",
                      "`KeyParts<T>` says what a type consists of; without it, the call does not "
                      "compile, with a sentence that says so."}},
      .places = {{"core/include/tarmac/core/make_key.h", "make_key",
                  "what is equal, and what is not"},
                 {"core/src/make_key.cpp", "append_text", "the encoding"},
                 {"core/include/tarmac/core/memoize.h", "class Memoized",
                  "functions that remember"},
                 {"tests/fuzz/key_fuzz.cpp", "make_key", "made-up arguments against it"}},
  };
}

}  // namespace tarmac::interview
