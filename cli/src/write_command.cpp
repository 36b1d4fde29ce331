#include <tarmac/core/clock.h>
#include <tarmac/core/error.h>
#include <tarmac/core/parameters.h>

#include "backend.h"
#include "commands.h"
#include "key_book.h"
#include "output.h"
#include "record_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

namespace tarmac::cli {
namespace {

struct WriteOptions {
  std::string input;
  std::string output;
  /// Dead letters to write instead of records.
  std::string replay;
  bool generate_keys = false;
  bool verify = false;
  bool no_progress = false;
};

constexpr std::size_t kBatchRecords = 1'000;
constexpr std::size_t kBatchBytes = std::size_t{4} << 20U;
/// Without --verify, about as many records are read back.
constexpr std::uint64_t kSampleRecords = 1'000;
constexpr std::size_t kProblemsShown = 10;

/// One run, which reads the input several times: to check it, to write, and to read back.
class WriteRun {
 public:
  explicit WriteRun(const WriteOptions& options) : options_(options), line_(!options.no_progress) {
    if (!std::filesystem::is_regular_file(options.input)) {
      throw ConfigError(options.input +
                        ": is no file; it is read more than once, so a pipe will not do");
    }
    bytes_ = std::max<std::uintmax_t>(std::filesystem::file_size(options.input), 1);
  }

  /// Throws ConfigError, before anything is written, if anything is wrong with the input.
  void check();
  void write();
  void read_back();

  [[nodiscard]] std::string summary() const;
  void show() const;
  [[nodiscard]] bool ok() const {
    return std::all_of(backends_.begin(), backends_.end(),
                       [](const Backend& one) { return one.report().ok(); });
  }

 private:
  /// Calls `use` for each record that is to be written, with its key and its place in the order.
  template <class Use>
  void for_each_write(const char* what, const Use& use);
  [[nodiscard]] StoreWrite write_of(const RawRecord& record, std::string key) const;
  [[nodiscard]] std::string place_text(Place place) const {
    return fmt::format("{}:{}:{}", options_.input, place.line, place.column);
  }
  [[nodiscard]] RecordListener listener(const char* what) {
    RecordListener listener;
    listener.on_progress = [this, what](std::uint64_t bytes) {
      line_.show(std::min(1.0, static_cast<double>(bytes) / static_cast<double>(bytes_)), what);
    };
    return listener;
  }

  const WriteOptions& options_;
  ProgressLine line_;
  std::uint64_t bytes_ = 1;
  std::vector<Backend> backends_;
  std::uint64_t records_ = 0;
  std::uint64_t repeated_ = 0;
  std::uint64_t generated_ = 0;
  /// Of the first record; the others follow it.
  std::uint64_t stamp_ = 0;
  WallNanos began_ = 0;
};

/// A time to live as a record writes it.
std::chrono::nanoseconds ttl_of(const std::string& text) {
  const auto ttl = parse_duration(text);
  if (ttl <= std::chrono::nanoseconds::zero()) throw ConfigError("it has to be more than 0");
  return ttl;
}

void WriteRun::check() {
  KeyBook keys(options_.generate_keys);
  std::vector<std::string> problems;
  std::uint64_t refused = 0;
  auto heard = listener("checking");
  heard.on_backends = [&](std::string_view json, Place place) {
    backends_ = make_backends(json, place_text(place));
  };
  heard.on_record = [&](const RawRecord& record) {
    auto verdict = keys.judge(record);
    try {
      if (!record.ttl.empty()) static_cast<void>(ttl_of(record.ttl));
    } catch (const ConfigError& error) {
      verdict.fate = Verdict::Fate::refused;
      verdict.why = fmt::format("has a ttl that is none: {}", error.what());
    }
    if (verdict.fate == Verdict::Fate::refused) {
      ++refused;
      if (problems.size() < kProblemsShown) {
        problems.push_back(
            fmt::format("{}: record {} {}", place_text(record.place), record.number, verdict.why));
      }
    } else if (verdict.fate == Verdict::Fate::repeated) {
      ++repeated_;
    } else {
      ++records_;
      if (verdict.generated) ++generated_;
    }
  };
  read_records(options_.input, heard);
  line_.clear();
  if (refused == 0) return;
  std::string message = fmt::format("{}", fmt::join(problems, "\n"));
  if (refused > problems.size()) {
    message += fmt::format("\n… and {} more like these", refused - problems.size());
  }
  throw ConfigError(message + "\nnothing was written");
}

template <class Use>
void WriteRun::for_each_write(const char* what, const Use& use) {
  KeyBook keys(options_.generate_keys);
  std::uint64_t index = 0;
  auto heard = listener(what);
  heard.on_record = [&](const RawRecord& record) {
    auto verdict = keys.judge(record);
    if (verdict.fate == Verdict::Fate::repeated) return;
    if (verdict.fate == Verdict::Fate::refused || index == records_) {
      throw std::runtime_error(options_.input + ": was changed while it was read");
    }
    use(record, std::move(verdict.key), index++);
  };
  read_records(options_.input, heard);
  line_.clear();
}

StoreWrite WriteRun::write_of(const RawRecord& record, std::string key) const {
  StoreWrite write;
  write.key = std::move(key);
  write.value = std::string(record.value);
  if (!record.ttl.empty()) {
    write.expires_at = deadline_after(began_, saturated_nanoseconds(ttl_of(record.ttl)));
  }
  return write;
}

void WriteRun::write() {
  began_ = system_clock()->wall_now();
  stamp_ = static_cast<std::uint64_t>(began_);  // As caches count, so that the later writer wins.
  std::vector<StoreWrite> batch;
  std::size_t bytes = 0;
  const auto send = [&] {
    for (auto& backend : backends_) backend.write(batch);
    batch.clear();
    bytes = 0;
  };
  for_each_write("writing", [&](const RawRecord& record, std::string key, std::uint64_t index) {
    batch.push_back(write_of(record, std::move(key)));
    batch.back().stamp = stamp_ + index;
    bytes += record.content.size();
    if (batch.size() == kBatchRecords || bytes >= kBatchBytes) send();
  });
  send();
  for (auto& backend : backends_) backend.finish();
}

void WriteRun::read_back() {
  const auto step = options_.verify ? 1 : std::max<std::uint64_t>(1, records_ / kSampleRecords);
  std::vector<StoreWrite> batch;
  std::size_t bytes = 0;
  const auto compare = [&] {
    const auto now = system_clock()->wall_now();
    for (auto& backend : backends_) backend.read_back(batch, now);
    batch.clear();
    bytes = 0;
  };
  for_each_write("reading back",
                 [&](const RawRecord& record, std::string key, std::uint64_t index) {
                   if (index % step != 0) return;
                   batch.push_back(write_of(record, std::move(key)));
                   bytes += record.content.size();
                   if (batch.size() == kBatchRecords || bytes >= kBatchBytes) compare();
                 });
  compare();
  for (auto& backend : backends_) backend.measure();
}

std::string WriteRun::summary() const {
  using nlohmann::ordered_json;
  ordered_json backends = ordered_json::array();
  for (const auto& backend : backends_) {
    const auto& one = backend.report();
    backends.push_back(
        {{"name", one.name},
         {"type", one.type},
         {"ok", one.ok()},
         {"written", one.written},
         {"failed", one.failed},
         {"bytes", one.bytes},
         {"size", one.size ? ordered_json(*one.size) : ordered_json(nullptr)},
         {"hits", one.hits},
         {"misses", one.misses},
         {"different", one.different},
         {"seconds", one.seconds},
         {"read_back_seconds", one.read_back_seconds},
         {"error", one.error.empty() ? ordered_json(nullptr) : ordered_json(one.error)}});
  }
  const ordered_json summary{{"input", options_.input},
                             {"ok", ok()},
                             {"records", records_},
                             {"repeated", repeated_},
                             {"generated_keys", generated_},
                             {"verified", options_.verify},
                             {"backends", std::move(backends)}};
  // A file name or a store's words may be no UTF-8, and are no reason to lose the summary.
  return summary.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

void WriteRun::show() const {
  fmt::print("{}: {} records{}{}\n\n", options_.input, records_,
             generated_ == 0 ? "" : fmt::format(", {} of them with generated keys", generated_),
             repeated_ == 0 ? "" : fmt::format(", {} repeated ones left out", repeated_));
  fmt::print("{:<12} {:>9} {:>8} {:>9} {:>9} {:>8} {:>10} {:>9} {:>10}\n", "backend", "written",
             "failed", "size", "hits", "misses", "different", "seconds", "read back");
  for (const auto& backend : backends_) {
    const auto& one = backend.report();
    fmt::print("{:<12} {:>9} {:>8} {:>9} {:>9} {:>8} {:>10} {:>9.2f} {:>10.2f}\n", one.name,
               one.written, one.failed, one.size ? std::to_string(*one.size) : "?", one.hits,
               one.misses, one.different, one.seconds, one.read_back_seconds);
  }
  std::fflush(stdout);
  for (const auto& backend : backends_) {
    const auto& one = backend.report();
    if (!one.error.empty()) fmt::print(stderr, "tarmac: backend {}: {}\n", one.name, one.error);
  }
}

Status write(const WriteOptions& options) {
  if (!options.replay.empty()) {
    return replay_letters(options.replay, options.input, options.output);
  }
  WriteRun run(options);
  run.check();
  expect_writable(options.output);
  run.write();
  run.read_back();
  write_file(options.output, run.summary());
  run.show();
  return run.ok() ? Status::done : Status::failed;
}

}  // namespace

void add_write_command(CLI::App& app, std::function<Status()>& run) {
  auto* command = app.add_subcommand("write", "Write the records of a file to several stores");
  auto options = std::make_shared<WriteOptions>();
  command->add_option("--input", options->input, "Backends and records, as JSON")
      ->required()
      ->type_name("FILE");
  command->add_option("--output", options->output, "Write what was done, as JSON")
      ->required()
      ->type_name("FILE");
  command->add_flag("--generate-keys", options->generate_keys,
                    "Make a key of the content where there is none to be had");
  command
      ->add_option("--replay", options->replay,
                   "Write the dead letters of write-back to the input's one backend instead")
      ->type_name("FILE");
  command->add_flag("--verify", options->verify,
                    "Read back and compare every record, not some of them");
  command->add_flag("--no-progress", options->no_progress, "No progress bar");
  command->footer(
      "Exit status: 0 done, 1 a backend failed, 2 the call or the input is wrong and nothing was "
      "written.\ndocs/writer.md tells more.\n\n"
      "Examples:\n"
      "  tarmac write --input records.json --output summary.json\n"
      "  tarmac write --input records.json --output summary.json --generate-keys --verify");
  command->callback([options, &run] { run = [options] { return write(*options); }; });
}

}  // namespace tarmac::cli
