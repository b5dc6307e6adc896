#pragma once

namespace lens::cli {

// Columns of standard output, at least 40; 100 where it is no terminal.
int output_width();

// Whether standard output is a terminal that may be coloured: `forbidden` and
// NO_COLOR (https://no-color.org: set and not empty) say no.
bool wants_colour(bool forbidden);

}  // namespace lens::cli
