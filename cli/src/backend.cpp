#include "backend.h"

#include <tarmac/core/error.h>
#include <tarmac/stores/catalog.h>

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace tarmac::cli {
namespace {

using nlohmann::json;

/// After so many batches in a row of which nothing was stored, the rest is not tried.
constexpr std::uint32_t kGiveUpAfter = 3;

/// Adds the time of its life to `seconds`.
class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds), began_(system_clock()->steady_now()) {}
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  ~Stopwatch() { seconds_ += static_cast<double>(system_clock()->steady_now() - began_) / 1e9; }

 private:
  double& seconds_;
  SteadyNanos began_;
};

}  // namespace

Backend::Backend(std::string name, std::string type, std::unique_ptr<BackingStore> store)
    : store_(std::move(store)), replaced_as_a_whole_(type == "file") {
  report_.name = std::move(name);
  report_.type = std::move(type);
}

void Backend::write(std::span<const StoreWrite> batch) {
  const Stopwatch watch(report_.seconds);
  if (!replaced_as_a_whole_) {
    store_batch(batch);
    return;
  }
  waiting_.insert(waiting_.end(), batch.begin(), batch.end());
  if (waiting_.size() < report_.written + report_.failed) return;
  store_batch(std::exchange(waiting_, {}));
}

void Backend::finish() {
  const Stopwatch watch(report_.seconds);
  store_batch(std::exchange(waiting_, {}));
}

bool Backend::given_up() const noexcept { return failures_in_a_row_ >= kGiveUpAfter; }

void Backend::note(const char* what) {
  if (report_.error.empty()) report_.error = what;
}

void Backend::count_stored(std::span<const StoreWrite> batch) {
  report_.written += batch.size();
  for (const auto& one : batch) report_.bytes += one.key.size() + one.value->size();
}

void Backend::store_batch(std::span<const StoreWrite> batch) {
  if (batch.empty()) return;
  if (given_up()) {
    report_.failed += batch.size();
    return;
  }
  try {
    store_->write(batch);
    count_stored(batch);
    failures_in_a_row_ = 0;
  } catch (const std::exception& error) {
    note(error.what());
    store_one_by_one(batch);
  }
}

void Backend::store_one_by_one(std::span<const StoreWrite> batch) {
  // One record that the store refuses must not take its neighbours along; a store that is down, or
  // one that takes every write for itself, is not asked a thousand times.
  const bool is_worth_it = !replaced_as_a_whole_ && store_->health().reachable;
  std::uint64_t stored = 0;
  std::uint32_t refused_in_a_row = 0;
  for (const auto& one : batch) {
    if (!is_worth_it || refused_in_a_row == kGiveUpAfter * 8) {
      ++report_.failed;
      continue;
    }
    try {
      store_->write({&one, 1});
      count_stored({&one, 1});
      ++stored;
      refused_in_a_row = 0;
    } catch (const std::exception& error) {
      note(error.what());
      ++report_.failed;
      ++refused_in_a_row;
    }
  }
  failures_in_a_row_ = stored == 0 ? failures_in_a_row_ + 1 : 0;
}

void Backend::read_back(std::span<const StoreWrite> batch, WallNanos now) {
  const Stopwatch watch(report_.read_back_seconds);
  std::vector<std::string> keys;
  std::vector<const StoreWrite*> wanted;
  for (const auto& one : batch) {
    if (one.expires_at && *one.expires_at <= now) continue;  // Gone, and rightly so.
    keys.push_back(one.key);
    wanted.push_back(&one);
  }
  if (keys.empty()) return;
  if (read_back_failed_) {
    report_.misses += keys.size();
    return;
  }
  try {
    const auto found = store_->load_many(keys, now);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (!found[i]) {
        ++report_.misses;
      } else if (found[i]->bytes == *wanted[i]->value &&
                 found[i]->expires_at == wanted[i]->expires_at) {
        ++report_.hits;
      } else {
        ++report_.different;
      }
    }
  } catch (const std::exception& error) {
    note(error.what());
    report_.misses += keys.size();
    read_back_failed_ = !store_->health().reachable;
  }
}

void Backend::measure() {
  if (read_back_failed_) return;
  const Stopwatch watch(report_.read_back_seconds);
  try {
    report_.size = store_->size();
  } catch (const std::exception& error) {
    note(error.what());
  }
}

namespace {

Backend make_backend(const json& entry, std::set<std::string>& names) {
  if (!entry.is_object()) throw ConfigError("it is no object");
  const auto type = entry.find("type");
  if (type == entry.end() || !type->is_string()) {
    throw ConfigError("it has no type; add one, for example \"type\": \"sqlite\"");
  }
  Parameters parameters;
  std::string name = *type;
  for (const auto& [field, value] : entry.items()) {
    if (value.is_structured() || value.is_null()) {
      throw ConfigError(field + " has to be a string, a number, true or false");
    }
    const auto text = value.is_string() ? value.get<std::string>() : value.dump();
    if (field == "name") name = text;
    if (field != "name" && field != "type") parameters.set(field, text);
  }
  if (!names.insert(name).second) {
    throw ConfigError("another backend is called \"" + name + "\"; give this one a name");
  }
  auto store = store_registry().make(type->get<std::string>(), parameters);
  return {std::move(name), *type, std::move(store)};
}

}  // namespace

std::vector<Backend> make_backends(std::string_view text, const std::string& place) {
  std::vector<Backend> backends;
  std::set<std::string> names;
  for (const auto& entry : json::parse(text)) {
    try {
      backends.push_back(make_backend(entry, names));
    } catch (const ConfigError& error) {
      throw ConfigError(
          fmt::format("{}: backend {}: {}", place, backends.size() + 1, error.what()));
    }
  }
  if (backends.empty()) throw ConfigError(place + ": the list of backends is empty");
  return backends;
}

}  // namespace tarmac::cli
