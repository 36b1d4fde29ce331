// Steps about the parts and the whole: swaps, flush, snapshot, restore, crash.
#include <tarmac/config/pieces.h>
#include <tarmac/demo/words.h>

#include "reading.h"

#include <array>

namespace tarmac::demo {
namespace {

StepAction read_swap_strategy(const YamlNode& node, const ReadContext&) {
  const auto part = read_eviction_piece(node);
  return [part](Stage&, StageCache& on) {
    const auto before = on.cache().describe().strategy;
    on.cache().swap_strategy(part.name, part.parameters);
    return StepOutput{before + " → " + part.name,
                      counted(on.cache().size(), "entry kept", "entries kept")};
  };
}

StepAction read_set_write_policy(const YamlNode& node, const ReadContext& context) {
  const auto part = read_write_policy_piece(node, context.cache->store);
  return [part](Stage&, StageCache& on) {
    const auto before = on.cache().describe().write_policy;
    const auto flushed_before = on.cache().stats().flushed_writes;
    on.cache().set_write_policy(
        write_policy_registry().make(part.name, on.store(), part.parameters));
    const auto flushed = on.cache().stats().flushed_writes - flushed_before;
    return StepOutput{
        before + " → " + part.name,
        flushed == 0 ? "nothing was owed" : counted(flushed, "write", "writes") + " flushed first"};
  };
}

StepAction read_flush(const YamlNode&, const ReadContext&) {
  return [](Stage&, StageCache& on) {
    const auto report = on.cache().flush();
    StepOutput output{on.name(), counted(report.flushed, "write", "writes") + " flushed"};
    output.result = report.complete() ? "complete" : "incomplete";
    if (!report.complete()) {
      output.outcome += ", " + grouped(report.still_dirty) + " still dirty: " + report.error;
    }
    return output;
  };
}

StepAction read_snapshot(const YamlNode& node, const ReadContext& context) {
  const auto& name = as_text(node);
  if (name.empty()) throw node.error("the snapshot has no name", "write a name to restore it by");
  if (!context.snapshots->insert(name).second) {
    throw node.error("there already is a snapshot \"" + name + "\"", "give it another name");
  }
  return [name](Stage&, StageCache& on) {
    auto snapshot = on.cache().take_snapshot();
    const auto size = snapshot.size();
    on.snapshots().insert_or_assign(name,
                                    StageCache::Kept{std::move(snapshot), content_of(on.cache())});
    return StepOutput{"\"" + name + "\"", counted(size, "entry", "entries") + " kept aside"};
  };
}

StepAction read_restore(const YamlNode& node, const ReadContext& context) {
  const auto name = read_snapshot_name(node, context);
  return [name](Stage&, StageCache& on) {
    on.cache().restore_snapshot(on.snapshots().at(name).snapshot);
    return StepOutput{"\"" + name + "\"",
                      counted(on.cache().size(), "entry", "entries") + " are back"};
  };
}

StepAction read_crash(const YamlNode& node, const ReadContext& context) {
  if (!context.cache->options.durability) {
    throw node.error("only a durable cache comes back from a crash",
                     "give it `durability: {directory: log}` under `caches`");
  }
  if (context.cache->store) {
    throw node.error("a cache with a store cannot crash here: the store would have to as well",
                     "take the store out, or crash another cache");
  }
  return [](Stage&, StageCache& on) {
    on.crash();
    const auto report = on.cache().recovery_report().value_or(RecoveryReport{});
    return StepOutput{on.name(), counted(on.cache().size(), "entry", "entries") + " back, by " +
                                     counted(report.records, "record", "records") + " of the log"};
  };
}

constexpr std::array<StepKind, 6> kPartSteps{{
    {"swap_strategy", "changes the eviction strategy; every entry stays", true, read_swap_strategy},
    {"set_write_policy", "changes when writes reach the store; what is owed is written first", true,
     read_set_write_policy},
    {"flush", "writes what is dirty to the store", false, read_flush},
    {"snapshot", "keeps the content aside, under a name", true, read_snapshot},
    {"restore", "makes the content that of a snapshot", true, read_restore},
    {"crash", "ends a durable cache as kill -9 would, and opens its log again", false, read_crash},
}};

}  // namespace

std::span<const StepKind> part_steps() { return kPartSteps; }

std::string read_snapshot_name(const YamlNode& node, const ReadContext& context) {
  const std::vector<std::string> names(context.snapshots->begin(), context.snapshots->end());
  if (names.empty()) {
    throw node.error("no step above takes a snapshot of this cache", "add one: `snapshot: NAME`");
  }
  const auto& name = as_text(node);
  if (!context.snapshots->contains(name)) {
    const auto near = nearest_name(name, names);
    throw node.error("no step above takes a snapshot \"" + shortened(name) + "\" of this cache",
                     "did you mean \"" + std::string(near.empty() ? names.front() : near) + "\"?");
  }
  return name;
}

}  // namespace tarmac::demo
