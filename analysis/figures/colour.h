#pragma once

#include <string>
#include <string_view>

#include "analysis/figures/figures.h"

namespace lens::analysis::figures {

// Colours are "#rrggbb". The colour maps and line_colour() are in figures.h.

// "#ffffff" or "#000000": the one that is read better on `colour`, by the
// contrast of relative luminances (WCAG 2).
std::string ink_on(std::string_view colour);

// Of the i-th part of a stack; sixteen.
std::string part_colour(int index);

// `share` 0..1 of the way from `from` to `to` in sRGB.
std::string mix(std::string_view from, std::string_view to, double share);

// stroke-dasharray of the i-th line, "" for a solid one. With line_colour()
// each of the first 64 lines has a pair of its own, and each of the first
// eight a pattern of its own, so that a print in grey can be read.
std::string_view dash(int index);

}  // namespace lens::analysis::figures
