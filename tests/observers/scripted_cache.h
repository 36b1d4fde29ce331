// A cache whose figures a test writes down, so that each metric can be told from the others.
#pragma once

#include <tarmac/core/cache_base.h>

#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

namespace tarmac {

class ScriptedCache final : public CacheBase {
 public:
  explicit ScriptedCache(std::string name) : CacheBase(std::move(name)) {
    description_.name = this->name();
    description_.strategy = "lru";
    description_.write_policy = "none";
  }
  ~ScriptedCache() override { detach_probe(); }

  [[nodiscard]] Stats stats() const override {
    const std::lock_guard lock(mutex_);
    if (broken_) throw std::runtime_error("broken on purpose");
    return stats_;
  }
  [[nodiscard]] CacheDescription describe() const override {
    const std::lock_guard lock(mutex_);
    return description_;
  }

  void set_stats(const Stats& stats) {
    const std::lock_guard lock(mutex_);
    stats_ = stats;
  }
  void describe_as(CacheDescription description) {
    const std::lock_guard lock(mutex_);
    description_ = std::move(description);
  }
  void break_stats(bool broken) {
    const std::lock_guard lock(mutex_);
    broken_ = broken;
  }
  void emit(EventType type, std::string_view detail = "") {
    Event event;
    event.type = type;
    event.cache = name();
    event.detail = detail;
    events().emit(event);
  }

 private:
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  Stats stats_;
  CacheDescription description_;
  bool broken_ = false;
};

}  // namespace tarmac
