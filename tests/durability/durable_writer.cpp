// Writes to a log from several threads until it is killed, and tells of each acknowledged change on
// its standard output: durable_writer FOLDER always|interval|never START...
#include <tarmac/core/journal.h>
#include <tarmac/durability/log.h>
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

/// Changes are appended and shown under one lock, so that an image has all that was appended before
/// it began.
class Writer {
 public:
  Writer(const std::string& folder, std::string_view mode) {
    DurabilityOptions options;
    options.directory = folder;
    options.sync = mode == "always"     ? SyncMode::always
                   : mode == "interval" ? SyncMode::interval
                                        : SyncMode::never;
    options.interval = std::chrono::milliseconds(5);
    options.segment_bytes = 16U << 10U;
    options.compact_bytes = 64U << 10U;
    log_ = open_log(options);
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
    const writer::Acknowledgement told{thread, change};
    if (::write(STDOUT_FILENO, &told, sizeof told) != sizeof told) std::_Exit(1);
  }

  void compact() {
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

int run(const std::vector<std::string>& words) {
  Writer writer(words.at(1), words.at(2));
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < writer::kThreads; ++thread) {
    const auto start = std::stoull(words.at(3 + thread));
    threads.emplace_back([&writer, thread, start] {
      for (auto change = start + 1;; ++change) {
        writer.write(thread, change);
        if (thread == 0) writer.compact();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  return 0;
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
