// What a sweep found, as a picture.
#pragma once

#include <tarmac/simulator/sweep.h>

#include <span>
#include <string>

namespace tarmac {

/// An SVG document: for each trace miss-ratio curves over the sizes, and a bar for each strategy at
/// the size that recommend() names. Sizes in objects and in bytes get a row each.
[[nodiscard]] std::string plot_svg(std::span<const SweepResult> results);

}  // namespace tarmac
