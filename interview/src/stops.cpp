#include "stops/stops.h"

#include <tarmac/core/error.h>
#include <tarmac/core/parameters.h>
#include <tarmac/interview/stop.h>

#include <array>
#include <sstream>

namespace tarmac::interview {
namespace {

/// A line for each stop, in the order of the walk.
constexpr std::array kMakers{
    singleton_stop,     strategy_stop,     observer_stop,  command_stop,       memento_stop,
    state_stop,         demo_lru_stop,     demo_ttl_stop,  demo_swap_stop,     demo_policies_stop,
    demo_snapshot_stop, demo_volume_stop,  demo_herd_stop, demo_restart_stop,  order_stop,
    metadata_stop,      write_back_stop,   expiry_stop,    constant_time_stop, list_lru_stop,
    locks_stop,         herd_stop,         keys_stop,      durability_stop,    tiers_stop,
    sizes_stop,         add_strategy_stop,
};

}  // namespace

std::string_view to_string(Chapter chapter) noexcept {
  switch (chapter) {
    case Chapter::patterns:
      return "Patterns";
    case Chapter::scenarios:
      return "Scenarios";
    case Chapter::talking_points:
      return "Talking points";
  }
  return "";
}

std::span<const Stop> stops() {
  static const std::vector<Stop> all = [] {
    std::vector<Stop> made;
    made.reserve(kMakers.size());
    for (const auto maker : kMakers) made.push_back(maker());
    return made;
  }();
  return all;
}

const Stop& find_stop(std::string_view word) {
  std::vector<std::string> names;
  const auto all = stops();
  for (const auto& stop : all) {
    if (stop.name == word || std::to_string(number_of(stop)) == word) return stop;
    names.push_back(stop.name);
  }
  std::string message = "there is no stop \"" + std::string(word) + "\"";
  const auto near = nearest_name(word, names);
  if (!near.empty()) message += "; did you mean \"" + std::string(near) + "\"?";
  throw ConfigError(message + " (a name of the menu, or a number from 1 to " +
                    std::to_string(all.size()) + ")");
}

std::size_t number_of(const Stop& stop) {
  return static_cast<std::size_t>(&stop - stops().data()) + 1;
}

std::vector<std::string> paragraphs(const std::string& text) {
  std::vector<std::string> result;
  bool new_one = true;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    bool is_empty = true;
    for (std::string word; words >> word;) {
      if (new_one) result.emplace_back();
      result.back() += (new_one ? "" : " ") + word;
      new_one = false;
      is_empty = false;
    }
    if (is_empty) new_one = true;
  }
  return result;
}

}  // namespace tarmac::interview
