// A stop of the walkthrough: texts, and an experiment.
#pragma once

#include <tarmac/interview/figures.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac::interview {

enum class Chapter : std::uint8_t { patterns, scenarios, talking_points };

[[nodiscard]] std::string_view to_string(Chapter chapter) noexcept;

struct FollowUp {
  std::string question;
  std::string answer;
};

/// Where in the tree to look. A test finds every path, and the symbol in it.
struct Place {
  std::string path;
  std::string symbol;
  std::string what;
};

/// What experiments find outside of the program.
struct Surroundings {
  /// The folder of the shipped scenarios.
  std::filesystem::path scenarios;
  /// How redis-server is started; sought in PATH.
  std::string redis_server = "redis-server";
  /// A small part of the work, for tests: the same figures of less.
  bool quick = false;

  /// `full`, or a part of it where the run is to be quick.
  [[nodiscard]] std::size_t work(std::size_t full) const noexcept {
    return quick ? full / 20 + 1 : full;
  }
};

struct Stop {
  /// One word, for `--stop` and for jumps.
  std::string name;
  Chapter chapter = Chapter::patterns;
  std::string title;
  /// What an interviewer asks.
  std::string question;
  /// What the experiment does, in a sentence.
  std::string experiment;
  /// Seconds at most. Throws what the library throws.
  std::function<Findings(const Surroundings&)> run;
  /// Paragraphs, with an empty line between two.
  std::string answer;
  std::vector<FollowUp> follow_ups;
  std::vector<Place> places;
};

/// All stops, in the order of the walk.
[[nodiscard]] std::span<const Stop> stops();

/// The stop of that name, or of that number from 1. Throws ConfigError, with the nearest name, if
/// there is none.
[[nodiscard]] const Stop& find_stop(std::string_view word);
/// Its place among all, from 1.
[[nodiscard]] std::size_t number_of(const Stop& stop);

/// The paragraphs of a text, each on one line.
[[nodiscard]] std::vector<std::string> paragraphs(const std::string& text);

}  // namespace tarmac::interview
