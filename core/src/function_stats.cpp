#include <tarmac/core/function_stats.h>

namespace tarmac {

void FunctionFigures::add_miss(std::int64_t nanoseconds) noexcept {
  counters_.add(Counter::misses);
  durations_.record(nanoseconds);
}

FunctionStats FunctionFigures::read(const std::string& name) const {
  return {name, counters_.read(Counter::hits), counters_.read(Counter::misses), durations_.read()};
}

std::shared_ptr<FunctionFigures> FunctionTable::figures_of(const std::string& name) {
  const std::lock_guard lock(mutex_);
  auto& figures = figures_[name];
  if (!figures) figures = std::make_shared<FunctionFigures>();
  return figures;
}

std::vector<FunctionStats> FunctionTable::read() const {
  const std::lock_guard lock(mutex_);
  std::vector<FunctionStats> all;
  all.reserve(figures_.size());
  for (const auto& [name, figures] : figures_) all.push_back(figures->read(name));
  return all;
}

}  // namespace tarmac
