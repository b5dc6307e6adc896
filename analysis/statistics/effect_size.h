#pragma once

#include <span>
#include <vector>

namespace lens::analysis::statistics {

// NaN of no values.
double mean_of(std::span<const double> values);
double inner_product(std::span<const double> x, std::span<const double> y);

// 1-based ranks; equal values share the mean of theirs.
std::vector<double> average_ranks(std::span<const double> values);

// Difference of means, second minus first, in pooled standard deviations
// (Cohen 1988). NaN where there is no spread.
double cohens_d(std::span<const double> first, std::span<const double> second);

// Share of the squared deviations that lies between groups, 0..1.
double eta_squared(std::span<const std::vector<double>> groups);

}  // namespace lens::analysis::statistics
