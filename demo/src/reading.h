// What the readers of steps and expectations share.
#pragma once

#include <tarmac/config/yaml_document.h>
#include <tarmac/demo/scenario.h>

#include "stage.h"

#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac::demo {

/// What is known at a place of the file, beside the value itself.
struct ReadContext {
  /// The folder of the scenario, for paths in it.
  std::filesystem::path folder;
  const std::optional<std::filesystem::path>* trace = nullptr;
  /// The cache the step works on.
  const CacheConfig* cache = nullptr;
  /// Snapshots of that cache that an earlier step has taken.
  std::set<std::string>* snapshots = nullptr;
};

struct StepKind {
  std::string_view name;
  std::string_view summary;
  /// False: written as a plain word, without a value.
  bool has_value;
  StepAction (*read)(const YamlNode& value, const ReadContext& context);
};

// The kinds by subject; the list of all is in step_reader.cpp.
[[nodiscard]] std::span<const StepKind> entry_steps();
[[nodiscard]] std::span<const StepKind> command_steps();
[[nodiscard]] std::span<const StepKind> part_steps();
[[nodiscard]] std::span<const StepKind> load_steps();
[[nodiscard]] std::span<const StepKind> loading_steps();
[[nodiscard]] std::span<const StepKind> show_steps();

/// One value of `expect`; may make several checks.
struct ExpectationKind {
  std::string_view name;
  std::string_view summary;
  void (*read)(const YamlNode& value, const ReadContext& context, std::vector<Check>& checks);
};

[[nodiscard]] std::span<const ExpectationKind> content_expectations();
[[nodiscard]] std::span<const ExpectationKind> state_expectations();

/// The map below `expect`.
[[nodiscard]] std::vector<Check> read_expectations(const YamlNode& node,
                                                   const ReadContext& context);
/// An element of `steps`, but for its `cache`, which the context already knows.
[[nodiscard]] Step read_step(const YamlNode& node, const ReadContext& context);

/// SetOptions from the keys `ttl` and `weight` of `map`.
[[nodiscard]] SetOptions read_set_options(const MapReader& map);
/// The name of a snapshot that an earlier step takes.
[[nodiscard]] std::string read_snapshot_name(const YamlNode& node, const ReadContext& context);
/// A map, refused if it is empty.
[[nodiscard]] const std::vector<YamlNode>& as_map(const YamlNode& node, std::string_view of_what);

}  // namespace tarmac::demo
