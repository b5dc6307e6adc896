#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "analysis/statistics/random_stream.h"

namespace lens::analysis::statistics {

// What a permutation test found. p = (1 + at least as large) / (1 + all).
struct PermutationResult {
  double statistic = 0;
  double p = 1;
};

// Of two groups: a value of the first and one of the second that depend on each
// other, as indices.
struct ValuePair {
  std::size_t first = 0, second = 0;
};

// Do the means of groups differ? `groups` holds at least two, each of at least
// two values. The statistic is Welch's F (1951); with two groups it is Welch's
// t, second minus first, tested on both sides, less the covariance of `pairs`.
// Since it is in units of its own standard error, shuffles tell right where
// groups have unequal spreads, too (Janssen 1997; Pauly, Brunner and
// Konietschke 2015). NaN (and p 1) where all values are equal. No variance
// counts as less than 1e-12 of that of all values.
//
// Permutation q shuffles the concatenated values from the front: for i = 0, 1,
// ... up to all but the last group, value i changes places with value i +
// stream.below(n - i, q * n + i). The first group then takes the first values,
// and so on. Runs on threads; what comes out does not depend on them.
PermutationResult test_groups(std::span<const std::vector<double>> groups,
                              int permutations, const RandomStream& stream,
                              std::span<const ValuePair> pairs = {});

// Do two quantities go together? Spearman's rho with average ranks of ties,
// tested on both sides; the ranks of `y` are shuffled as above, with all values
// up to the last but one. NaN (and p 1) where either is constant.
PermutationResult test_relation(std::span<const double> x,
                                std::span<const double> y, int permutations,
                                const RandomStream& stream);

}  // namespace lens::analysis::statistics
