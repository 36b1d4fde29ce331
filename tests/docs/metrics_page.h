// What the test of the page on metrics needs of the snippet on two tiers.
#pragma once

#include <tarmac/core/extra_figures.h>

#include <vector>

namespace tiers_page {

/// Every figure that a TieredCache has beside those of a cache.
std::vector<tarmac::ExtraFigure> figures_of_two_tiers();

}  // namespace tiers_page
