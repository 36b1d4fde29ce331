// Steps that load on a miss: load (one caller) and herd (many at once).
#include "reading.h"

#include <tarmac/core/error.h>
#include <tarmac/demo/words.h>

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <barrier>
#include <thread>

namespace tarmac::demo {
namespace {

struct Load {
  std::string key;
  /// Empty: the source has nothing.
  std::optional<std::string> value;
  bool fails = false;
  SetOptions options;

  /// What the source says.
  [[nodiscard]] std::optional<Loaded<std::string>> ask() const {
    if (fails) throw StoreError("the source does not answer, as the scenario says");
    if (!value) return std::nullopt;
    return Loaded<std::string>{*value, options};
  }
};

StepOutput run_load(const Load& load, StageCache& on) {
  bool called = false;
  std::string result;
  std::string outcome;
  try {
    const auto value = on.cache().get_or_load(load.key, [&] {
      called = true;
      return load.ask();
    });
    // An expired value may have stood in for what the source did not say.
    const bool stood_in = called && value && (load.fails || value != load.value);
    result = !value ? "nothing" : stood_in ? "stale" : called ? "loaded" : "cached";
    outcome = value ? result + ": " + shortened(*value, 24) : result;
    if (!value && !called) outcome += ", remembered";
  } catch (const StoreError&) {
    result = "failed";
    outcome = called ? "failed" : "failed, remembered";
  }
  return {load.key, std::move(outcome), std::move(result)};
}

StepAction read_load(const YamlNode& node, const ReadContext&) {
  static const std::array<std::string, 5> known{"key", "value", "fails", "ttl", "weight"};
  const MapReader map(node, known);
  Load load;
  load.key = as_text(map.require("key"));
  load.value = map.get_text("value");
  load.fails = map.get_bool("fails").value_or(false);
  load.options = read_set_options(map);
  return [load](Stage&, StageCache& on) { return run_load(load, on); };
}

struct Herd {
  Load load;
  std::uint64_t callers = 16;
  bool single_flight = true;
};

/// All callers ask before the source answers the first: the worst moment, each time.
class HerdRun {
 public:
  HerdRun(const Herd& herd, DemoCache& cache)
      : herd_(herd),
        cache_(cache),
        waiting_before_(cache.stats().coalesced_loads),
        all_asked_(static_cast<std::ptrdiff_t>(herd.callers)) {}

  void run() {
    std::vector<std::jthread> callers;
    for (std::uint64_t i = 0; i < herd_.callers; ++i) {
      callers.emplace_back([this] { herd_.single_flight ? load() : look_and_set(); });
    }
  }
  [[nodiscard]] std::uint64_t asked() const { return asked_; }
  [[nodiscard]] std::uint64_t failed() const { return failed_; }

 private:
  void load() {
    try {
      static_cast<void>(cache_.get_or_load(herd_.load.key, [this] {
        ++asked_;
        const auto others = waiting_before_ + herd_.callers - 1;
        while (cache_.stats().coalesced_loads < others) std::this_thread::yield();
        return herd_.load.ask();
      }));
    } catch (const StoreError&) {
      ++failed_;
    }
  }
  /// As it is done by hand.
  void look_and_set() {
    const bool missed = !cache_.get(herd_.load.key);
    all_asked_.arrive_and_wait();
    if (!missed) return;
    ++asked_;
    try {
      if (auto found = herd_.load.ask()) {
        cache_.set(herd_.load.key, std::move(found->value), found->options);
      }
    } catch (const StoreError&) {
      ++failed_;
    }
  }

  const Herd& herd_;
  DemoCache& cache_;
  const std::uint64_t waiting_before_;
  std::barrier<> all_asked_;
  std::atomic<std::uint64_t> asked_{0};
  std::atomic<std::uint64_t> failed_{0};
};

StepOutput run_herd(const Herd& herd, StageCache& on) {
  HerdRun run(herd, on.cache());
  run.run();
  auto outcome = fmt::format("{} callers, the source asked {} times", herd.callers, run.asked());
  if (run.failed() > 0) outcome += fmt::format(", {} failed", run.failed());
  const auto* result = run.asked() == 0 ? "none" : run.asked() == 1 ? "one" : "many";
  return {herd.load.key, std::move(outcome), result};
}

StepAction read_herd(const YamlNode& node, const ReadContext&) {
  static const std::array<std::string, 7> known{"key",    "value",   "fails",        "ttl",
                                                "weight", "callers", "single_flight"};
  const MapReader map(node, known);
  Herd herd;
  herd.load.key = as_text(map.require("key"));
  herd.load.value = map.get_text("value");
  herd.load.fails = map.get_bool("fails").value_or(false);
  herd.load.options = read_set_options(map);
  herd.callers = map.get_uint("callers", {2, 256}).value_or(herd.callers);
  herd.single_flight = map.get_bool("single_flight").value_or(true);
  return [herd](Stage&, StageCache& on) { return run_herd(herd, on); };
}

constexpr std::array<StepKind, 2> kKinds{{
    {"load", "a look-up that asks a made-up source on a miss", true, read_load},
    {"herd", "many callers at once that ask for one key", true, read_herd},
}};

}  // namespace

std::span<const StepKind> loading_steps() { return kKinds; }

}  // namespace tarmac::demo
