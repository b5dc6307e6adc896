#pragma once

#include <span>
#include <vector>

#include "analysis/report/report_figure.h"
#include "analysis/report/sample_choice.h"
#include "analysis/report/sample_data.h"

namespace lens::analysis::report {

// Bounds of what make_image_maps() draws: a map has a cell for each image
// token, and a page has to stay small.
inline constexpr std::size_t kMostMappedSamples = 3;
inline constexpr std::size_t kMostMapBytes = 1'000'000;

// What the model would say at each image token, laid over the picture: for the
// first chosen samples that have rows of image tokens (`--tokens image` or
// `all`), a map at a quarter, half, three quarters and the whole of the depth.
// The state AT a token is shown (analysis/figures/image_grid.h says in which
// row it stands). `details` [chosen] gives the pictures; without one the grid
// alone is drawn. Throws StorageError, InputError.
std::vector<ReportFigure> make_image_maps(
    const Source& source, std::span<const metrics::SampleTable> tables,
    std::span<const SampleKey> chosen, std::span<const SampleDetail> details,
    double largest_entropy);

}  // namespace lens::analysis::report
