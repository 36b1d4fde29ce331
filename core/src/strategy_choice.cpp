#include <tarmac/core/error.h>
#include <tarmac/core/internal/strategy_choice.h>

#include <utility>

namespace tarmac::internal {
namespace {

/// Between name, and name and value of each parameter: none of them can have it.
constexpr char kBetween = '\0';

std::string spell(const std::string& name, const Parameters& parameters) {
  auto text = name;
  for (const auto& [key, value] : parameters.values()) {
    text += kBetween;
    text += key;
    text += kBetween;
    text += value;
  }
  return text;
}

/// The part of `text` before the next kBetween, which is taken from it.
std::string take_part(std::string_view& text) {
  const auto end = text.find(kBetween);
  std::string part(text.substr(0, end));
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return part;
}

StrategyChoice read_spelling(std::string_view text) {
  const auto name = take_part(text);
  Parameters parameters;
  while (!text.empty()) {
    auto key = take_part(text);
    parameters.set(std::move(key), take_part(text));
  }
  return registered_strategy(name, parameters);
}

}  // namespace

StrategyChoice registered_strategy(const std::string& name, const Parameters& parameters) {
  return {name, [name, parameters] { return strategy_registry().make(name, parameters); },
          spell(name, parameters)};
}

std::optional<StrategyChoice> revive_swap(const LoggedSwap& swap,
                                          const StrategyChoice& configured) {
  if (swap.chosen.empty() || swap.configured != configured.spelling) return std::nullopt;
  if (swap.chosen == configured.spelling) return std::nullopt;
  auto choice = read_spelling(swap.chosen);
  try {
    static_cast<void>(choice.factory());
  } catch (const ConfigError&) {
    return std::nullopt;  // This program has not registered it, or knows other parameters.
  }
  return choice;
}

}  // namespace tarmac::internal
