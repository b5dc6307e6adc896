#pragma once

#include <string>

#include "analysis/figures/figures.h"

namespace lens::analysis::view {

// SGR sequences of a terminal with true colour.

// Background for a share 0..1 of a scale, in the colours of the figures, with
// black or white letters, whichever can be read better. Darker is larger; grey
// where `share` is NaN. `match` adds bold and underline.
std::string cell_colour(figures::HeatMap::Scale scale, double share,
                        bool match);

inline constexpr const char* kPlain = "\x1b[0m";
inline constexpr const char* kBold = "\x1b[1m";

}  // namespace lens::analysis::view
