#include "stage.h"

#include <tarmac/core/error.h>

namespace tarmac::demo {
namespace {

CacheOptions on_stage(CacheOptions options, const std::shared_ptr<DemoClock>& clock) {
  options.clock = clock;
  // Nothing may happen behind the back of the steps, or a scenario would not always go the same
  // way.
  options.background_expiry = false;
  if (!options.seed) options.seed = 1;
  return options;
}

void note_key(std::vector<std::string>& list, std::string key) {
  if (list.size() < Heard::kKeysMax) list.push_back(std::move(key));
}

void note(Heard& heard, const Event& event, std::chrono::nanoseconds at) {
  ++heard.counts.at(static_cast<std::size_t>(event.type));
  if (event.type == EventType::entry_get_hit || event.type == EventType::entry_get_miss) return;
  auto key = event.key();
  if (event.type == EventType::entry_evicted) note_key(heard.evicted, key);
  if (event.type == EventType::entry_expired) note_key(heard.expired, key);
  if (event.type == EventType::entry_deleted) note_key(heard.deleted, key);
  std::string detail(event.detail);
  if (detail.empty() && event.cause) detail = to_string(*event.cause);
  heard.recent.push_back({at, std::string(to_string(event.type)), std::move(key), detail});
  if (heard.recent.size() > Heard::kRecentMax) heard.recent.pop_front();
}

}  // namespace

Content content_of(DemoCache& cache) {
  Content content;
  cache.for_each(
      [&](const std::string& key, const std::string& value) { content.emplace(key, value); });
  return content;
}

StageCache::StageCache(CacheConfig config, std::shared_ptr<DemoClock> clock,
                       Observation* observation)
    : config_(std::move(config)), clock_(std::move(clock)), observation_(observation) {
  // A scenario leaves nothing behind, and begins with nothing.
  if (auto& log = config_.options.durability) log->directory = scratch_.emplace().path() / "life 0";
  open();
}

void StageCache::open() {
  cache_ = std::make_unique<DemoCache>(on_stage(config_.options, clock_));
  auto policy = make_write_policy(config_);
  store_ = policy->store();
  if (store_) cache_->set_write_policy(std::move(policy));
  listen();
  if (observation_ != nullptr) watch_ = observation_->watch(*cache_);
}

void StageCache::crash() {
  auto& directory = config_.options.durability.value().directory;
  const auto next = scratch_.value().path() / ("life " + std::to_string(++lives_));
  // Before the old cache ends, which would bring to its log what it still owes it.
  std::filesystem::copy(directory, next);
  watch_.reset();
  connections_.clear();
  cache_.reset();
  directory = next;
  open();
}

void StageCache::listen() {
  for (const auto type : all_event_types()) {
    connections_.push_back(
        cache_->events().connect(type, [ears = ears_, clock = clock_](const Event& event) {
          const std::lock_guard lock(ears->mutex);
          note(ears->heard, event, clock->passed());
        }));
  }
}

Heard StageCache::heard() const {
  const std::lock_guard lock(ears_->mutex);
  return ears_->heard;
}

Stage::Stage(const Scenario& scenario, PlayListener* listener, Observation* observation)
    : listener_(listener) {
  for (const auto& config : scenario.caches) {
    caches_.push_back(std::make_unique<StageCache>(config, clock_, observation));
  }
}

}  // namespace tarmac::demo
