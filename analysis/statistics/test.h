#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/metrics/sample_row.h"
#include "analysis/population.h"

namespace lens::analysis::statistics {

// What all tests are about, and how their names begin.
inline constexpr std::string_view kTestedQuantity = "entropy onset";
inline constexpr std::string_view kTestedShortly = "onset";

// What a test asks: whether the quantity differs between groups, or whether it
// goes with a size of the sample.
struct TestKind {
  // Between the groups by this property; of a relation the data set.
  GroupBy by = GroupBy::kDataset;
  // "between languages", "and image area". Names a random stream: must not
  // change.
  std::string_view asks;
  // Of a relation: "image area", and how large it is; 0 where it is not known.
  std::string_view size_name = {};
  double (*size_of)(const metrics::SampleRow&) = nullptr;

  bool is_relation() const { return size_of != nullptr; }
  // Whether it is one test of a whole run, between its data sets.
  bool of_run() const { return by == GroupBy::kDataset && !is_relation(); }
  // "between languages of mtvqa", "between data sets": of `dataset`, or of all
  // data sets of its run.
  std::string question(const Population& dataset) const;
  // "onset between languages of mtvqa".
  std::string name(const Population& dataset) const;
};

// All that are tested, in their order: one between the data sets of a run, then
// those of each data set.
std::span<const TestKind> test_kinds();

// How the numbers of a test are called.
struct TestMethod {
  std::string_view statistic, effect;
};

// One hypothesis. A picture enters with one number, the mean over its samples.
struct Test {
  const TestKind* kind = &test_kinds().front();
  // Those compared, all of one run; of a relation the data set.
  std::vector<Population> populations;
  std::vector<std::int64_t> group_pictures;  // with an onset (and a size)
  std::vector<double> group_means;
  double statistic = 0;
  double effect = 0;
  int permutations = 0;
  double p = 1;           // permutation, (1 + at least as large) / (1 + all)
  double p_adjusted = 1;  // Holm, over all tests of the study
  bool significant = false;
  std::string sentence;  // what it says, for a person

  // "between languages of mtvqa", "onset between languages of mtvqa". There is
  // a population.
  std::string question() const;
  std::string name() const;
  // Welch's t and Cohen's d of two groups, Welch's F and eta squared of more,
  // Spearman's rho of a relation.
  const TestMethod& method() const;
};

}  // namespace lens::analysis::statistics
