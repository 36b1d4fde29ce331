#include <tarmac/simulator/sweep.h>

#include <tarmac/core/error.h>
#include <tarmac/simulator/belady.h>
#include <tarmac/simulator/replay.h>
#include <tarmac/strategies/catalog.h>

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <thread>
#include <variant>

#include "object_pool.h"
#include "worker_pool.h"

namespace tarmac {
namespace {

/// Large enough that a cell finds its own data in the processor's caches most of the time, small
/// enough for a progress bar to move.
constexpr std::size_t kBatch = std::size_t{1} << 17U;

struct KeyHash {
  using is_avalanching = void;
  std::size_t operator()(std::uint64_t key) const noexcept { return internal::hash_of_key(key); }
};

/// Fills `batch` with what comes next; less than all of it at the end.
void read_batch(TraceReader& reader, std::vector<Request>& batch) {
  batch.clear();
  Request request;
  while (batch.size() < kBatch && reader.next(request)) batch.push_back(request);
}

/// The pass before the replay.
class FirstPass {
 public:
  explicit FirstPass(bool with_next) : with_next_(with_next) {}

  void take(const Request& request) {
    const auto [position, is_new] = last_.try_emplace(request.key, 0);
    if (is_new) {
      ++summary_.objects;
      summary_.bytes += request.size;
    }
    if (with_next_) {
      if (summary_.requests >= NextAccesses::kRequestsMax) {
        throw ConfigError("belady: the trace has more than " +
                          std::to_string(NextAccesses::kRequestsMax) +
                          " requests; leave belady out");
      }
      const auto now = static_cast<std::uint32_t>(summary_.requests);
      if (!is_new) next_.of_request[position->second] = now;
      next_.of_request.push_back(NextAccesses::kNever);
      position->second = now;
    }
    ++summary_.requests;
  }

  [[nodiscard]] const TraceSummary& summary() const noexcept { return summary_; }
  [[nodiscard]] NextAccesses take_next() noexcept { return std::move(next_); }

 private:
  bool with_next_;
  TraceSummary summary_;
  NextAccesses next_;
  boost::unordered_flat_map<std::uint64_t, std::uint32_t, KeyHash> last_;
};

using CellReplay = std::variant<StrategyReplay, BeladyReplay>;

CellReplay make_replay(const StrategyChoice& choice, const NextAccesses& next,
                       const StrategyCapacity& capacity) {
  if (choice.is_bound()) return BeladyReplay(next, capacity);
  return StrategyReplay(strategy_registry().make(choice.name, choice.settings()), capacity);
}

class Sweep {
 public:
  Sweep(const std::filesystem::path& trace, const SweepOptions& options) : options_(options) {
    result_.trace = trace;
    result_.strategies = options.strategies;
    result_.sizes = options.sizes;
  }

  SweepResult run() {
    if (needs_first_pass()) read_ahead();
    resolve_sizes();
    std::vector<CellReplay> replays;
    for (const StrategyChoice& strategy : result_.strategies) {
      for (const StrategyCapacity& capacity : result_.capacities) {
        replays.push_back(make_replay(strategy, next_, capacity));
      }
    }
    play(replays);
    collect(replays);
    return std::move(result_);
  }

 private:
  [[nodiscard]] bool wants_bound() const {
    return std::any_of(options_.strategies.begin(), options_.strategies.end(),
                       [](const StrategyChoice& choice) { return choice.is_bound(); });
  }
  [[nodiscard]] bool needs_first_pass() const {
    return wants_bound() ||
           std::any_of(options_.sizes.begin(), options_.sizes.end(), [](const SizeChoice& size) {
             return size.unit == SizeChoice::Unit::percent;
           });
  }

  void read_ahead();
  void resolve_sizes();
  void play(std::vector<CellReplay>& replays);
  void collect(const std::vector<CellReplay>& replays);
  void report(int pass, const TraceReader& reader) const {
    if (!options_.report) return;
    options_.report({pass, result_.summary ? 2 : 1, reader.progress().fraction()});
  }

  const SweepOptions& options_;
  NextAccesses next_;
  SweepResult result_;
};

void Sweep::read_ahead() {
  std::error_code unknown;  // Then the reader says what is wrong with the file.
  const auto kind = std::filesystem::status(result_.trace, unknown).type();
  if (kind == std::filesystem::file_type::fifo || kind == std::filesystem::file_type::character) {
    throw ConfigError(result_.trace.string() +
                      ": percentages and belady read a trace twice, which only a file allows; give "
                      "sizes as numbers and leave belady out, or store the trace in a file");
  }
  TraceReader reader(result_.trace, options_.trace);
  FirstPass pass(wants_bound());
  result_.summary.emplace();
  std::vector<Request> batch;
  for (read_batch(reader, batch); !batch.empty(); read_batch(reader, batch)) {
    for (const Request& request : batch) pass.take(request);
    report(1, reader);
  }
  result_.summary = pass.summary();
  next_ = pass.take_next();
}

void Sweep::resolve_sizes() {
  for (const SizeChoice& size : result_.sizes) {
    StrategyCapacity capacity{size.amount, size.unit == SizeChoice::Unit::bytes};
    if (size.unit == SizeChoice::Unit::percent) {
      capacity.in_weight = options_.percent_of_bytes;
      const std::uint64_t whole =
          capacity.in_weight ? result_.summary->bytes : result_.summary->objects;
      const double part = std::floor(static_cast<double>(whole) * size.percent / 100.0);
      capacity.amount = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(part));
    }
    result_.capacities.push_back(capacity);
  }
}

/// While the cells play one batch, the next one is read, as a task among theirs.
void Sweep::play(std::vector<CellReplay>& replays) {
  TraceReader reader(result_.trace, options_.trace);
  const unsigned processors = std::max(1U, std::thread::hardware_concurrency());
  const auto tasks_max = static_cast<unsigned>(std::min<std::size_t>(replays.size() + 1, 1'024));
  internal::WorkerPool pool(std::min(options_.jobs == 0 ? processors : options_.jobs, tasks_max));
  const int pass = result_.summary ? 2 : 1;
  std::vector<Request> now;
  std::vector<Request> ahead;
  read_batch(reader, now);
  while (!now.empty()) {
    const std::span<const Request> batch(now);
    pool.run(replays.size() + 1, [&](std::size_t task) {
      if (task == 0) {
        read_batch(reader, ahead);
      } else {
        std::visit([&](auto& replay) { replay.play(batch); }, replays[task - 1]);
      }
    });
    std::swap(now, ahead);
    report(pass, reader);
  }
  result_.requests = reader.requests();
  result_.problems = reader.problems();
  result_.format = reader.format();
  if (result_.requests == 0) {
    const std::string found = result_.problems.first.empty() ? "" : result_.problems.first[0];
    throw ConfigError(result_.trace.string() + ": there is no request in it" +
                      (found.empty() ? "; name a trace that holds some"
                                     : " that can be read as " + result_.format +
                                           "; the first problem: " + found));
  }
}

void Sweep::collect(const std::vector<CellReplay>& replays) {
  for (std::size_t i = 0; i < replays.size(); ++i) {
    const std::size_t size = i % result_.sizes.size();
    result_.cells.push_back(
        {i / result_.sizes.size(), size, result_.capacities[size],
         std::visit([](const auto& replay) { return replay.result(); }, replays[i])});
  }
}

}  // namespace

SweepResult sweep(const std::filesystem::path& trace, const SweepOptions& options) {
  if (options.strategies.empty() || options.sizes.empty()) {
    throw ConfigError("sweep: it takes a strategy and a size at least");
  }
  return Sweep(trace, options).run();
}

}  // namespace tarmac
