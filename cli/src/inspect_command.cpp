#include <tarmac/durability/inspect.h>

#include "commands.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <optional>
#include <string>

namespace tarmac::cli {
namespace {

/// What the words of the call say.
struct InspectOptions {
  std::string path;
  std::string salvage;
  bool json = false;
};

std::string in_words(const InspectedFile& file) {
  auto line = fmt::format("  {}: {}, {} bytes", file.name, file.kind, file.bytes);
  if (file.kind == "segment") line += fmt::format(", records {} to {}", file.first, file.last);
  if (file.kind != "manifest") {
    line += fmt::format(", {} {}", file.records, file.kind == "segment" ? "changes" : "entries");
  }
  if (file.torn_bytes > 0) {
    line += fmt::format(", a torn end of {} bytes that was never promised", file.torn_bytes);
  }
  return line;
}

void print_words(const std::string& path, const Inspection& found,
                 const std::optional<Salvage>& saved) {
  fmt::print("{}: {}, {}\n", path, found.is_log ? "a log" : "a snapshot",
             found.is_sound() ? "sound" : "damaged");
  if (found.header) {
    fmt::print("  of the cache \"{}\", strategy {}, write policy {}\n", found.header->cache_name,
               found.header->strategy, found.header->write_policy);
  }
  for (const auto& file : found.files) {
    fmt::print("{}\n", in_words(file));
    if (!file.problem.empty()) fmt::print(stderr, "{}: {}\n", file.name, file.problem);
  }
  if (saved) fmt::print("  saved {} entries and {} changes\n", saved->entries, saved->records);
}

void print_json(const std::string& path, const Inspection& found,
                const std::optional<Salvage>& saved) {
  nlohmann::json root = {{"path", path},
                         {"kind", found.is_log ? "log" : "snapshot"},
                         {"sound", found.is_sound()},
                         {"files", nlohmann::json::array()}};
  if (found.header) {
    root["cache"] = {{"name", found.header->cache_name},
                     {"strategy", found.header->strategy},
                     {"write_policy", found.header->write_policy},
                     {"taken_at_ns", found.header->taken_at}};
  }
  for (const auto& file : found.files) {
    root["files"].push_back({{"name", file.name},
                             {"kind", file.kind},
                             {"bytes", file.bytes},
                             {"records", file.records},
                             {"first", file.first},
                             {"last", file.last},
                             {"torn_bytes", file.torn_bytes},
                             {"problem", file.problem}});
  }
  if (saved) root["saved"] = {{"entries", saved->entries}, {"records", saved->records}};
  // Names may be any bytes.
  fmt::print("{}\n", root.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

Status inspect_path(const InspectOptions& options) {
  std::optional<Salvage> saved;
  if (!options.salvage.empty()) saved = salvage(options.path, options.salvage);
  const auto found = saved ? saved->found : inspect(options.path);
  if (options.json) {
    print_json(options.path, found, saved);
  } else {
    print_words(options.path, found, saved);
  }
  return found.is_sound() ? Status::done : Status::failed;
}

}  // namespace

void add_inspect_command(CLI::App& app, std::function<Status()>& run) {
  auto* command =
      app.add_subcommand("inspect", "Verify and describe a log or a snapshot, read only");
  auto options = std::make_shared<InspectOptions>();
  command->add_option("PATH", options->path, "The folder of a log, or a snapshot file")
      ->required()
      ->type_name("");
  command
      ->add_option("--salvage", options->salvage,
                   "Copy what is sound into this folder: the records before the first that is "
                   "damaged, the blocks of an image that are whole")
      ->type_name("DIR");
  command->add_flag("--json", options->json, "Print it as JSON");
  command->footer(
      "What a crash cut off before it was promised is no damage.\n"
      "Exit status: 0 sound, 1 damaged, 2 the call is wrong or the log is in use.\n\n"
      "Examples:\n"
      "  tarmac inspect /var/lib/app/sessions\n"
      "  tarmac inspect --salvage rescued sessions.snap");
  command->callback([options, &run] { run = [options] { return inspect_path(*options); }; });
}

}  // namespace tarmac::cli
