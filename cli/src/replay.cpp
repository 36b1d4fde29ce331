#include <tarmac/core/error.h>
#include <tarmac/policies/dead_letters.h>

#include "backend.h"
#include "commands.h"
#include "output.h"
#include "record_reader.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace tarmac::cli {

Status replay_letters(const std::string& letters, const std::string& input,
                      const std::string& output) {
  if (!std::filesystem::is_regular_file(letters)) {
    throw ConfigError(letters + ": is no file; name one that write_back has as `dead_letters`");
  }
  std::vector<Backend> backends;
  std::uint64_t records = 0;
  RecordListener listener;
  listener.on_backends = [&](std::string_view json, Place place) {
    backends = make_backends(json, fmt::format("{}:{}:{}", input, place.line, place.column));
  };
  listener.on_record = [&records](const RawRecord&) { ++records; };
  read_records(input, listener);
  if (backends.size() != 1 || records != 0) {
    throw ConfigError(
        fmt::format("{}: has {} backends and {} records; --replay takes one backend, "
                    "and \"records\": []",
                    input, backends.size(), records));
  }
  expect_writable(output);
  const auto done = replay_dead_letters(letters, backends.front().store());
  const bool ok = done.left == 0;
  const nlohmann::ordered_json summary{
      {"replayed_file", letters},
      {"backend", backends.front().report().name},
      {"ok", ok},
      {"replayed", done.replayed},
      {"left", done.left},
      {"damaged", done.damaged},
      {"error",
       done.error.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(done.error)}};
  using Handler = nlohmann::ordered_json::error_handler_t;
  write_file(output, summary.dump(2, ' ', false, Handler::replace) + "\n");
  fmt::print("{}: {} replayed, {} left, {} of them damaged\n", letters, done.replayed, done.left,
             done.damaged);
  std::fflush(stdout);
  if (!ok)
    fmt::print(stderr, "tarmac: backend {}: {}\n", backends.front().report().name, done.error);
  return ok ? Status::done : Status::failed;
}

}  // namespace tarmac::cli
