#include "lab/caches.h"
#include "lab/crash_disk.h"
#include "lab/stopwatch.h"
#include "stops/stops.h"

#include <tarmac/demo/demo_clock.h>
#include <tarmac/demo/scratch_folder.h>
#include <tarmac/demo/words.h>
#include <tarmac/durability/log.h>

#include <array>
#include <memory>

namespace tarmac::interview {
namespace {

namespace fs = std::filesystem;

struct Mode {
  const char* name;
  SyncMode sync;
};
constexpr std::array<Mode, 3> kModes{
    {{"always", SyncMode::always}, {"interval", SyncMode::interval}, {"never", SyncMode::never}}};

struct Crash {
  double microseconds = 0;
  std::uint64_t syncs = 0;
  std::uint64_t lost_when_killed = 0;
  std::uint64_t lost_when_cut = 0;
};

void write_records(Journal& log, std::size_t from, std::size_t to) {
  for (auto i = from; i < to; ++i) {
    const auto key = "key" + std::to_string(i);
    JournalRecord record;
    record.key = key;
    record.value = "a value that was acknowledged";
    record.stamp = i + 1;
    log.wait(log.append({&record, 1}));
  }
}

/// Records that a restart on `folder` brings back.
std::uint64_t recovered(DurabilityOptions options, const fs::path& folder) {
  options.directory = folder;
  std::uint64_t records = 0;
  std::optional<ImageHeader> header;
  const auto log = open_log(options);
  static_cast<void>(log->recover(
      [&](const JournalRecord& record) {
        if (record.kind == JournalRecord::Kind::put) ++records;
      },
      header));
  return records;
}

/// Three fifths of the writes, the interval, the rest, and then the crash.
Crash crash_in(SyncMode sync, std::size_t writes) {
  const demo::ScratchFolder scratch;
  CrashDisk disk;
  const auto clock = std::make_shared<demo::DemoClock>();
  DurabilityOptions options;
  options.directory = scratch.path() / "log";
  options.sync = sync;
  options.segment_bytes = 64U << 10U;
  const auto log = open_log(options, disk, clock);
  std::optional<ImageHeader> header;
  static_cast<void>(log->recover([](const JournalRecord&) {}, header));
  const auto before = disk.syncs();
  const auto early = writes * 3 / 5;
  Crash crash;
  const Stopwatch watch;
  write_records(*log, 0, early);
  crash.microseconds = watch.nanoseconds() / 1e3 / static_cast<double>(early);
  clock->advance(options.interval);
  if (sync == SyncMode::interval) {
    static_cast<void>(wait_for([&] { return log->stats().durable >= early; }));
  }
  write_records(*log, early, writes);
  disk.copy_as_killed(options.directory, scratch.path() / "killed");
  disk.copy_as_cut(scratch.path() / "cut");
  crash.syncs = disk.syncs() - before;
  crash.lost_when_killed = writes - recovered(options, scratch.path() / "killed");
  crash.lost_when_cut = writes - recovered(options, scratch.path() / "cut");
  return crash;
}

void compare_modes(std::size_t writes, Findings& findings) {
  demo::Table table{{"sync", "us a write", "syncs", "lost by kill -9", "lost by a power cut"}, {}};
  for (const auto& [name, sync] : kModes) {
    const auto crash = crash_in(sync, writes);
    table.rows.push_back({{name},
                          number(fixed(crash.microseconds)),
                          number(std::to_string(crash.syncs)),
                          number(std::to_string(crash.lost_when_killed)),
                          number(std::to_string(crash.lost_when_cut))});
    findings.facts[std::string("killed.") + name] = static_cast<double>(crash.lost_when_killed);
    findings.facts[std::string("cut.") + name] = static_cast<double>(crash.lost_when_cut);
  }
  findings.facts["writes"] = static_cast<double>(writes);
  findings.add(std::move(table));
  auto& facts = findings.facts;
  findings.claim("kill -9 loses nothing in any mode: the kernel has every acknowledged write",
                 facts["killed.always"] + facts["killed.interval"] + facts["killed.never"] == 0);
  findings.claim(
      "a power cut loses nothing under always, what is younger than the interval under interval, "
      "all of it under never",
      facts["cut.always"] == 0 && facts["cut.interval"] > 0 &&
          facts["cut.interval"] <= static_cast<double>(writes) * 2 / 5 &&
          facts["cut.never"] == static_cast<double>(writes));
}

CacheOptions durable_options(const fs::path& folder) {
  auto options = plain_options(1'000);
  options.durability.emplace();
  options.durability->directory = folder;
  options.durability->sync = SyncMode::never;
  options.durability->segment_bytes = 1U << 20U;
  return options;
}

void write_values(TextCache& cache, std::size_t from, std::size_t to) {
  for (auto i = from; i < to; ++i)
    cache.set("key" + std::to_string(i % 20), "value " + std::to_string(i));
}

/// What log and image hold; a segment has more room than that.
std::uint64_t bytes_held(const TextCache& cache, const fs::path& folder) {
  auto bytes = cache.stats().journal.log_bytes;
  for (const auto& file : fs::directory_iterator(folder)) {
    if (file.path().extension() == ".snap") bytes += file.file_size();
  }
  return bytes;
}

/// The same writes of 20 keys, kept by an append-only log, by log and image, and by a snapshot.
void compare_forms(std::size_t writes, Findings& findings) {
  const demo::ScratchFolder scratch;
  const auto folder = scratch.path() / "cache";
  const auto file = scratch.path() / "half.snap";
  demo::Table table{{"kept by", "bytes", "read at a restart", "keys lost"}, {}};
  std::size_t stale = 0;
  {
    TextCache cache(durable_options(folder));
    write_values(cache, 0, writes / 2);
    cache.save_snapshot(file);
    write_values(cache, writes / 2, writes);
  }
  const auto row = [&](const char* form, std::uint64_t bytes, const std::string& read,
                       std::size_t lost) {
    table.rows.push_back(
        {{form}, number(demo::grouped(bytes)), {read}, number(std::to_string(lost))});
  };
  {
    TextCache cache(durable_options(folder));
    const auto& report = cache.recovery_report();
    row("a log, appended to", bytes_held(cache, folder),
        demo::counted(report->records, "record", "records"), 20 - cache.size());
    findings.facts["replayed"] = static_cast<double>(report->records);
    cache.compact();
  }
  {
    TextCache cache(durable_options(folder));
    const auto& report = cache.recovery_report();
    row("an image, and the log after it", bytes_held(cache, folder),
        demo::counted(report->image_entries, "entry", "entries"), 20 - cache.size());
    findings.facts["replayed_after_image"] = static_cast<double>(report->records);
    TextCache from_file(plain_options(1'000));
    from_file.load_snapshot(file);
    cache.for_each([&](const std::string& key, const std::string& value) {
      if (from_file.get(key) != value) ++stale;
    });
    row("a snapshot, taken half-way", fs::file_size(file),
        demo::counted(from_file.size(), "entry", "entries"), stale);
  }
  findings.facts["stale"] = static_cast<double>(stale);
  findings.add(std::move(table));
  findings.claim(
      "log and image bring back every write; the snapshot, what was there when it was taken",
      stale == 20);
  findings.claim("an image replaces the log before it: nothing is replayed",
                 findings.facts["replayed"] == static_cast<double>(writes) &&
                     findings.facts["replayed_after_image"] == 0);
}

Findings crash_and_recover(const Surroundings& surroundings) {
  Findings findings;
  compare_modes(surroundings.quick ? 20 : 100, findings);
  compare_forms(surroundings.work(2'000), findings);
  return findings;
}

}  // namespace

Stop durability_stop() {
  return {
      .name = "durability",
      .chapter = Chapter::talking_points,
      .title = "Log, snapshot, append-only file, and what a crash loses",
      .question = "Your cache must survive a restart. Snapshot or log? And what does a crash lose?",
      .experiment =
          "100 acknowledged writes in each mode of the log on a real folder, of which a copy is "
          "made as a killed "
          "process and as a power cut would leave it; then 2,000 writes of 20 keys kept in three "
          "ways.",
      .run = crash_and_recover,
      .answer = R"(
A snapshot is small and quick to read, and loses everything since it was taken. An append-only log loses nothing that was
acknowledged, but grows for ever, and a restart replays all of it. So one has both: a log, and now and then an *image* that
replaces the log before it. That is what a durable cache does by itself (`compact_bytes`), while writes go on.

What "acknowledged" means is the mode. `always`: after `fdatasync`; nothing is lost. `interval`: after `write`; the process may die, but a
power cut takes what is younger than the interval and the longest sync. `never`: the kernel decides. Threads that wait together share one sync (group commit), which is what
makes `always` bearable.

After a crash the end of the log may be torn. A torn end was never acknowledged and is put aside; damage before it is an error with
its place, because dropping it quietly would drop acknowledged writes. Each record says up to where the log had been durable when it
was written, so the two can be told apart.)",
      .follow_ups = {{"fsync fails. Do you try again?",
                      "Not on that file: the kernel may have dropped the pages and say `done` the "
                      "next time. What is not durable is "
                      "written to a new segment and synced there."},
                     {"Is the log written before or after the cache shows the write?",
                      "Before. Nobody sees a value that the log might not have; if it refuses, "
                      "nothing has changed."},
                     {"How was that tested?",
                      "Every call that touches the file system fails, dies or is cut in turn, "
                      "every byte and bit is damaged, and a "
                      "thousand real processes are killed. docs/reliability.md has the counts."}},
      .places = {{"durability/src/log_commit.cpp", "write_out", "group commit"},
                 {"durability/src/log_recovery.cpp", "Log::recover", "torn end or damage"},
                 {"core/include/tarmac/core/journal.h", "enum class SyncMode", "the modes"},
                 {"docs/durability.md", "What may be lost", "the table of promises"}},
  };
}

}  // namespace tarmac::interview
