#include "features/alternate.h"

#include <algorithm>

namespace tarmac::bench {
namespace {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace

Alternation::Alternation(const Plan& plan, const Sides& sides, const Operations& operations) {
  const auto side = [&plan, &operations](const std::function<void()>& prepare) {
    prepare();
    operations(plan.phase / 10);  // What preparing has driven out of the caches comes back.
    return operations(plan.phase);
  };
  for (int pair = 0; pair < plan.pairs; ++pair) {
    if (pair % 2 == 0) without_.push_back(side(sides.without));
    with_.push_back(side(sides.with));
    if (pair % 2 == 1) without_.push_back(side(sides.without));
    ratios_.push_back(with_.back() / without_.back());
  }
  sides.without();
}

void Alternation::report(benchmark::State& state) const {
  state.counters["without_ns"] = median(without_);
  state.counters["with_ns"] = median(with_);
  state.counters["added"] = median(ratios_) - 1;
}

}  // namespace tarmac::bench
