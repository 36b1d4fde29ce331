// Writes to a log, or through a durable cache, from several threads until it is killed, and tells
// of each acknowledged change on its standard output: durable_writer log|cache FOLDER
// always|interval|never START...
#include <tarmac/core/cache_manager.h>
#include <tarmac/core/error.h>
#include <tarmac/durability/catalog.h>
#include <tarmac/durability/log.h>
#include <tarmac/strategies/catalog.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "writer_protocol.h"

namespace tarmac {
namespace {

DurabilityOptions options_of(const std::string& folder, std::string_view mode) {
  DurabilityOptions options;
  options.directory = folder;
  options.sync = mode == "always"     ? SyncMode::always
                 : mode == "interval" ? SyncMode::interval
                                      : SyncMode::never;
  options.interval = std::chrono::milliseconds(5);
  options.segment_bytes = 16U << 10U;
  options.compact_bytes = 64U << 10U;
  return options;
}

/// Changes are appended and shown under one lock, so that an image has all that was appended before
/// it began.
class LogWriter {
 public:
  explicit LogWriter(const DurabilityOptions& options) : log_(open_log(options)) {
    std::optional<ImageHeader> header;
    log_->recover([this](const JournalRecord& one) { show(one); }, header);
  }

  void write(std::uint64_t thread, std::uint64_t change) {
    const auto key = writer::key_text(thread, writer::key_of(change));
    const auto value = writer::value_text(change);
    JournalRecord record;
    record.key = key;
    record.stamp = change;
    if (writer::erases(change)) {
      record.kind = JournalRecord::Kind::erase;
    } else {
      record.value = value;
    }
    JournalPosition position = 0;
    {
      const std::lock_guard lock(mutex_);
      position = log_->append({&record, 1});
      show(record);
    }
    log_->wait(position);
  }

  void compact(std::uint64_t) {
    if (!log_->wants_image()) return;
    const auto image = log_->begin_image({"writer", "lru", "none", 0});
    std::map<std::string, std::pair<std::uint64_t, std::string>> entries;
    {
      const std::lock_guard lock(mutex_);
      entries = entries_;
    }
    for (const auto& [key, entry] : entries) {
      JournalRecord record;
      record.key = key;
      record.stamp = entry.first;
      record.value = entry.second;
      image->add(record);
    }
    image->publish();
  }

 private:
  void show(const JournalRecord& record) {
    auto& entry = entries_[std::string(record.key)];
    if (entry.first > record.stamp) return;
    entry = {record.stamp, std::string(record.value)};
    if (record.kind == JournalRecord::Kind::erase) entries_.erase(std::string(record.key));
  }

  std::unique_ptr<Journal> log_;
  std::mutex mutex_;
  std::map<std::string, std::pair<std::uint64_t, std::string>> entries_;
};

class CacheWriter {
 public:
  explicit CacheWriter(const DurabilityOptions& options) : cache_(with_log(options)) {}

  void write(std::uint64_t thread, std::uint64_t change) {
    const auto key = writer::key_text(thread, writer::key_of(change));
    if (writer::erases(change)) {
      cache_.erase(key);
    } else {
      cache_.set(key, writer::value_text(change));
    }
  }

  /// Now and then by hand: a writer that is killed early would never compact.
  void compact(std::uint64_t change) {
    if (change % 64 == 0) cache_.compact();
  }

 private:
  static CacheOptions with_log(const DurabilityOptions& log) {
    CacheOptions options;
    options.durability = log;
    return options;
  }

  CacheManager<std::string, std::string> cache_;
};

template <class Writer>
int run(const DurabilityOptions& options, const std::vector<std::string>& starts) {
  Writer writer(options);
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < writer::kThreads; ++thread) {
    const auto start = std::stoull(starts.at(thread));
    threads.emplace_back([&writer, thread, start] {
      try {
        for (auto change = start + 1;; ++change) {
          writer.write(thread, change);
          const writer::Acknowledgement told{thread, change};
          if (::write(STDOUT_FILENO, &told, sizeof told) != sizeof told) std::_Exit(1);
          if (thread == 0) writer.compact(change);
        }
      } catch (const DurabilityError& error) {
        // The disk is gone: no more is acknowledged, and who watches knows why.
        std::fprintf(stderr, "durable_writer: %s\n", error.what());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  return 0;
}

int run(const std::vector<std::string>& words) {
  const auto options = options_of(words.at(2), words.at(3));
  const std::vector<std::string> starts(words.begin() + 4, words.end());
  return words.at(1) == "log" ? run<LogWriter>(options, starts) : run<CacheWriter>(options, starts);
}

}  // namespace
}  // namespace tarmac

int main(int argc, char** argv) {
  try {
    return tarmac::run({argv, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "durable_writer: %s\n", error.what());
    return 1;
  }
}
