#pragma once

#include <span>
#include <vector>

#include "analysis/statistics/random_stream.h"

namespace lens::analysis {

// What a permutation test found. p = (1 + at least as large) / (1 + all).
struct PermutationResult {
  double statistic = 0;
  double p = 1;
};

// Do the means of groups differ? `groups` holds at least two, none empty. The
// statistic is F of the one-way analysis of variance; with two groups it is the
// difference of means, second minus first, tested on both sides. NaN (and p 1)
// where all values are equal.
//
// Permutation q shuffles the concatenated values from the front: for i = 0, 1,
// ... up to all but the last group, value i changes places with value i +
// stream.below(n - i, q * n + i). The first group then takes the first values,
// and so on. Runs on threads; what comes out does not depend on them.
PermutationResult test_groups(std::span<const std::vector<double>> groups,
                              int permutations, const RandomStream& stream);

// Do two quantities go together? Spearman's rho with average ranks of ties,
// tested on both sides; the ranks of `y` are shuffled as above, with all values
// up to the last but one. NaN (and p 1) where either is constant.
PermutationResult test_relation(std::span<const double> x,
                                std::span<const double> y, int permutations,
                                const RandomStream& stream);

}  // namespace lens::analysis
