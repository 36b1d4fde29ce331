// Steps with many requests: fill (made up) and replay (recorded).
#include <tarmac/demo/generator.h>
#include <tarmac/demo/words.h>
#include <tarmac/simulator/cache_replay.h>
#include <tarmac/simulator/trace_reader.h>

#include "reading.h"

#include <fmt/format.h>

#include <array>

namespace tarmac::demo {
namespace {

constexpr std::uint64_t kProgressEvery = 4'096;

std::string hits_of(std::uint64_t hits, std::uint64_t requests) {
  return requests == 0
             ? "no requests"
             : percent(static_cast<double>(hits) / static_cast<double>(requests)) + " hits";
}

struct Fill {
  GeneratorOptions generator;
  std::uint64_t operations = 0;
  std::string prefix = "key:";
  std::string value;
  double write_share = 0;
  SetOptions options;
};

StepOutput run_fill(const Fill& fill, Stage& stage, StageCache& on) {
  KeyGenerator generator(fill.generator);
  std::uint64_t hits = 0;
  std::uint64_t gets = 0;
  std::string key;
  const auto what = "fill " + on.name();
  for (std::uint64_t operation = 0; operation < fill.operations; ++operation) {
    key = fill.prefix;
    key += std::to_string(generator.next());
    const bool is_write = fill.write_share > 0 && generator.chance() < fill.write_share;
    bool found = false;
    if (!is_write) {
      ++gets;
      found = on.cache().visit(key, [](const std::string&) {});
      hits += found ? 1U : 0U;
    }
    if (!found) on.cache().set(key, fill.value, fill.options);
    if (operation % kProgressEvery == 0) {
      stage.progress(what, static_cast<double>(operation) / static_cast<double>(fill.operations));
    }
  }
  const auto& made = fill.generator;
  return {fmt::format("{} ← {} of {} keys", on.name(), made.distribution, grouped(made.keys)),
          gets == 0 ? grouped(fill.operations) + " written"
                    : grouped(fill.operations) + " operations, " + hits_of(hits, gets)};
}

StepAction read_fill(const YamlNode& node, const ReadContext&) {
  static const std::array<std::string, 9> known{"keys", "operations",  "distribution",
                                                "skew", "seed",        "prefix",
                                                "ttl",  "value_bytes", "write_share"};
  const MapReader map(node, known);
  Fill fill;
  fill.generator.keys = as_uint(map.require("keys"), {1, 1'000'000});
  fill.operations = as_uint(map.require("operations"), {1, 100'000'000});
  if (const auto* distribution = map.find("distribution")) {
    fill.generator.distribution =
        as_choice(*distribution, "distribution", KeyGenerator::distributions());
  }
  fill.generator.skew = map.get_double("skew", {0.0, 10.0}).value_or(fill.generator.skew);
  fill.generator.seed = map.get_uint("seed").value_or(fill.generator.seed);
  fill.prefix = map.get_text("prefix").value_or(fill.prefix);
  fill.value.assign(map.get_bytes("value_bytes", {0, 1U << 20U}).value_or(16), 'v');
  fill.write_share = map.get_double("write_share", {0.0, 1.0}).value_or(0.0);
  fill.options.ttl = map.get_duration("ttl", kPositiveDuration);
  return [fill](Stage& stage, StageCache& on) { return run_fill(fill, stage, on); };
}

struct Replay {
  std::filesystem::path trace;
  std::uint64_t times = 1;
  std::optional<std::uint64_t> prune_every;
  bool trace_clock = false;
  CacheReplayOptions options;
};

/// Gives the keys of a trace the type that the caches of the demo have.
class TraceKeys {
 public:
  explicit TraceKeys(DemoCache& cache) : cache_(cache) {}

  [[nodiscard]] bool get(std::uint64_t key) {
    return cache_.visit(std::to_string(key), [](const std::string&) {});
  }
  SetOutcome set(std::uint64_t key, std::string value, const SetOptions& options) {
    return cache_.set(std::to_string(key), std::move(value), options);
  }

 private:
  DemoCache& cache_;
};

/// What one replay step has done so far, over all its rounds.
struct ReplayRun {
  const Replay& replay;
  Stage& stage;
  StageCache& on;
  ReplayResult result = {};
  std::uint64_t pruned = 0;

  void play_round(std::uint64_t round) {
    TraceReader trace(replay.trace);
    TraceKeys cache(on.cache());
    const auto value_of = [](const Request& request) { return std::to_string(request.size); };
    const auto what = "replay " + on.name();
    std::optional<std::uint64_t> time;
    Request request;
    const auto end_of_round = replay.options.requests_max
                                  ? result.requests + *replay.options.requests_max
                                  : std::numeric_limits<std::uint64_t>::max();
    while (result.requests < end_of_round && trace.next(request)) {
      if (replay.trace_clock && time && request.time > *time) {
        stage.clock().advance(std::chrono::seconds(request.time - *time));
      }
      time = request.time;
      play_request(cache, request, value_of, replay.options, result);
      if (replay.prune_every && result.requests % *replay.prune_every == 0) {
        pruned += on.cache().purge_expired();
      }
      if (result.requests % kProgressEvery == 0) {
        stage.progress(what, (static_cast<double>(round) + trace.progress().fraction()) /
                                 static_cast<double>(replay.times));
      }
    }
  }
};

StepOutput run_replay(const Replay& replay, Stage& stage, StageCache& on) {
  ReplayRun run{replay, stage, on};
  for (std::uint64_t round = 0; round < replay.times; ++round) run.play_round(round);
  auto subject = on.name() + " ← " + replay.trace.filename().string();
  if (replay.times > 1) subject += fmt::format(" × {}", replay.times);
  auto outcome = fmt::format("{} requests, {}", grouped(run.result.requests),
                             hits_of(run.result.hits, run.result.requests));
  if (replay.prune_every) {
    outcome += fmt::format("; {} pruned", grouped(run.pruned));
  }
  return {std::move(subject), std::move(outcome)};
}

std::filesystem::path read_trace(const YamlNode& node, const ReadContext& context) {
  if (*context.trace) return **context.trace;
  auto trace = context.folder / as_string(node);
  std::error_code error;
  if (!std::filesystem::is_regular_file(trace, error)) {
    throw node.error("there is no file \"" + trace.string() + "\"",
                     "write a path that starts in the scenario's folder");
  }
  return trace;
}

StepAction read_replay(const YamlNode& node, const ReadContext& context) {
  static const std::array<std::string, 6> known{"trace",       "times",       "requests",
                                                "prune_every", "trace_clock", "sizes_are_weights"};
  const MapReader map(node, known);
  Replay replay;
  replay.trace = read_trace(map.require("trace"), context);
  replay.times = map.get_uint("times", {1, 1'000}).value_or(1);
  replay.prune_every = map.get_uint("prune_every", {1});
  replay.trace_clock = map.get_bool("trace_clock").value_or(false);
  replay.options.requests_max = map.get_uint("requests", {1});
  replay.options.sizes_are_weights = map.get_bool("sizes_are_weights").value_or(false);
  replay.options.with_ttl = replay.trace_clock;
  return [replay](Stage& stage, StageCache& on) { return run_replay(replay, stage, on); };
}

constexpr std::array<StepKind, 2> kLoadSteps{{
    {"fill", "made-up requests: a look-up, and a set after a miss", true, read_fill},
    {"replay", "the requests of a recorded trace, with pruning now and then", true, read_replay},
}};

}  // namespace

std::span<const StepKind> load_steps() { return kLoadSteps; }

}  // namespace tarmac::demo
