// Acknowledged writes a second.
#include <fcntl.h>
#include <tarmac/durability/catalog.h>
#include <tarmac/durability/file_ops.h>
#include <tarmac/strategies/catalog.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "durability/cells.h"
#include "durability/writers.h"

namespace tarmac::bench {
namespace {

const std::vector<std::string>& all_keys() {
  static const auto keys = [] {
    std::vector<std::string> made;
    for (std::uint64_t i = 0; i < KeyWalk::kKeys; ++i) made.push_back(durable_key(i));
    return made;
  }();
  return keys;
}

Findings write_by(int threads, const Ground& ground, SyncMode sync) {
  DurableCache cache(durable_options(ground.folder / "log", sync));
  const auto& keys = all_keys();
  const auto ops = writes_per_second(threads, ground.seconds, [&](KeyWalk& walk) {
    cache.set(keys[walk.next()], durable_value());
    return 1U;
  });
  const auto journal = cache.stats().journal;
  const auto syncs = static_cast<double>(std::max<std::uint64_t>(1, journal.syncs));
  return {{"ops", ops},
          {"records_per_sync", static_cast<double>(journal.appended_records) / syncs}};
}

}  // namespace

std::string durable_key(std::uint64_t number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "key:%012llu", static_cast<unsigned long long>(number));
  return text.data();
}

const std::string& durable_value() {
  static const std::string value(64, 'v');
  return value;
}

CacheOptions durable_options(const std::filesystem::path& folder, SyncMode sync) {
  CacheOptions options;
  options.max_entries.reset();
  options.undo_commands_max = 0;
  options.durability = DurabilityOptions{.directory = folder, .sync = sync};
  options.durability->interval = std::chrono::seconds(1);  // As Redis has it.
  return options;
}

Findings append_barely(const Ground& ground) {
  constexpr std::size_t kFrame = 152;  // A record of one such key and value.
  constexpr std::int64_t kReserved = 64LL << 20U;
  auto& files = posix_file_ops();
  const int folder = files.open_folder(ground.folder.string());
  const int file = files.open(folder, "bare", O_RDWR | O_CREAT);
  if (file < 0 || files.preallocate(file, kReserved) != 0 || files.sync(file) != 0) {
    throw std::runtime_error("cannot make " + (ground.folder / "bare").string());
  }
  std::string bytes(kFrame, 'v');
  std::int64_t offset = 0;
  const auto ops = writes_per_second(1, ground.seconds, [&](KeyWalk&) {
    const iovec part{bytes.data(), bytes.size()};
    const auto at = offset % (kReserved - static_cast<std::int64_t>(kFrame));
    if (files.write(file, &part, 1, at) != static_cast<ssize_t>(kFrame) || files.sync(file) != 0) {
      throw std::runtime_error("cannot write " + (ground.folder / "bare").string());
    }
    offset += static_cast<std::int64_t>(kFrame);
    return 1U;
  });
  files.close(file);
  files.close(folder);
  return {{"ops", ops}};
}

Findings write_alone(const Ground& ground) { return write_by(1, ground, SyncMode::always); }
Findings write_by_8(const Ground& ground) { return write_by(8, ground, SyncMode::always); }
Findings write_by_32(const Ground& ground) { return write_by(32, ground, SyncMode::always); }
Findings write_in_intervals(const Ground& ground) {
  return write_by(2, ground, SyncMode::interval);
}

Findings write_batches(const Ground& ground) {
  constexpr unsigned kBatch = 64;
  DurableCache cache(durable_options(ground.folder / "log", SyncMode::always));
  const auto& keys = all_keys();
  const auto ops = writes_per_second(8, ground.seconds, [&](KeyWalk& walk) {
    MacroCommand<std::string, std::string> batch;
    for (unsigned i = 0; i < kBatch; ++i) {
      batch.add(SetCommand(keys[walk.next()], durable_value()));
    }
    cache.execute(batch);
    return kBatch;
  });
  return {{"ops", ops}};
}

}  // namespace tarmac::bench
