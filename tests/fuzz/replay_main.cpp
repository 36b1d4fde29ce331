// The driver of every day: runs a fuzzer over files, and over copies of them with a few changes
// that are the same in each run. Needs no compiler but the everyday one.
//
// Usage: NAME_replay MUTATIONS [FILE|FOLDER]…    MUTATIONS: copies of all files together
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <unistd.h>

#include "fuzz.h"

// A sanitizer that ends the process says which input it was, as a failed require() does.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "abort_on_error=1"; }
extern "C" const char* __ubsan_default_options();
extern "C" const char* __ubsan_default_options() { return "abort_on_error=1"; }

namespace {

struct Seed {
  std::string name;
  std::string content;
};

/// Of the input at work, for on_abort().
char current[512] = "none";

/// Allowed in a signal handler: writes, and nothing else.
void on_abort(int) {
  const char* const words[] = {"the input was ", current, "\n"};
  for (const char* word : words) {
    if (write(STDERR_FILENO, word, std::strlen(word)) < 0) break;
  }
}

void run(const Seed& seed, std::uint64_t mutation, const std::string& input) {
  std::snprintf(current, sizeof current, "%s, mutation %llu", seed.name.c_str(),
                static_cast<unsigned long long>(mutation));
  // A copy without a byte to spare, so that a read beyond the end is noticed.
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

/// Changes the bytes as a careless editor, a bad copy or a cut connection would.
class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::string mutate(std::string text, const std::string& other) {
    for (std::uint64_t left = 1 + below(4); left > 0; --left) change(text, other);
    return text;
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void change(std::string& text, const std::string& other) {
    static constexpr char kTelling[] = "\n\0:,-[]{}\"'#&*!|>%0123456789 \t.\xFF\x28";
    const auto at = below(text.size() + 1);
    switch (below(8)) {
      case 0:
        text.resize(at);
        break;
      case 1:
        text.erase(at, 1 + below(16));
        break;
      case 2:
        text.insert(at, 1, kTelling[below(sizeof kTelling - 1)]);
        break;
      case 3:
        if (at < text.size()) text[at] = static_cast<char>(random_());
        break;
      case 4:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        break;
      case 5:
        text.insert(at, text.substr(below(text.size()), 1 + below(64)));
        break;
      case 6:
        text.insert(at, other.substr(below(other.size()), 1 + below(64)));
        break;
      default:
        if (at < text.size()) text[at] = kTelling[below(sizeof kTelling - 1)];
    }
  }

  std::mt19937_64 random_;
};

Seed load(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  tarmac::fuzz::require(in.good(), "cannot read " + file.string());
  return {file.string(), {std::istreambuf_iterator<char>(in), {}}};
}

std::vector<Seed> load_all(const std::vector<std::string>& words) {
  std::set<std::filesystem::path> files;  // Sorted: the same order on every machine.
  for (const auto& word : words) {
    if (!std::filesystem::is_directory(word)) {
      files.insert(word);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(word)) {
      if (entry.is_regular_file()) files.insert(entry.path());
    }
  }
  std::vector<Seed> seeds;
  for (const auto& file : files) seeds.push_back(load(file));
  return seeds;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGABRT, on_abort);
  const std::vector<std::string> words(argv + 1, argv + argc);
  tarmac::fuzz::require(words.size() >= 2, "usage: MUTATIONS FILE|FOLDER…");
  const auto mutations = std::stoull(words.front());
  const auto seeds = load_all({words.begin() + 1, words.end()});
  tarmac::fuzz::require(!seeds.empty(), "no file to begin with");
  run({"nothing", ""}, 0, "");
  for (const auto& seed : seeds) run(seed, 0, seed.content);
  for (std::uint64_t i = 1; i <= mutations; ++i) {
    const auto& seed = seeds[i % seeds.size()];
    const auto& other = seeds[i / seeds.size() % seeds.size()];
    run(seed, i, Mutator(i).mutate(seed.content, other.content));
  }
  std::printf("%zu files, %llu mutations: all of them read or refused\n", seeds.size(),
              static_cast<unsigned long long>(mutations));
  return 0;
}
