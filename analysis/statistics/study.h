#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "analysis/metrics/sample_table.h"
#include "analysis/population.h"
#include "analysis/statistics/test.h"

namespace lens::analysis::statistics {

// Everything that decides a statistic besides the data; stored with the
// results.
struct StudyOptions {
  metrics::OnsetRule onset = {};
  int bootstrap_resamples = 2000;
  int permutations = 9999;
  double confidence = 0.95;
  double significance = 0.05;  // of the adjusted p
  std::uint64_t seed = 1;
  std::int64_t least_group = 5;  // pictures; below no test, no interval
  std::function<void(std::string_view)> progress = {};  // what is computed
};

struct Interval {
  double low = 0, high = 0;  // NaN where there is none
};

// Mean over samples by layer, with a bootstrap band: pictures are resampled,
// neither tokens nor samples, since the tokens of a sample and the questions of
// a picture depend on each other.
struct Curve {
  std::vector<double> mean, low, high;  // [layer]
};

// A layer estimated for a group. NaN where it has none.
struct LayerEstimate {
  double value = 0;
  Interval interval = {};
  std::int64_t count = 0;  // of samples (mean curve) or tokens with a layer
};

// What is known of one population.
struct Group {
  Population population;
  std::int64_t pictures = 0;  // with at least one of the samples
  std::int64_t samples = 0;
  std::int64_t tokens = 0;

  Curve entropy, kl_final, log_rank, agreement;
  Curve same_answer;                 // share of samples: early exit
  Curve image_attention;             // NaN at layer 0; empty: not in the file
  std::vector<double> script_share;  // [layer, script], mean over samples

  // Of the mean curve, and the mean over tokens: two different things.
  LayerEstimate onset_of_mean, onset_of_tokens;
  LayerEstimate steepest_of_mean, steepest_of_tokens;
  LayerEstimate depth_of_tokens, first_hit_of_tokens;
  LayerEstimate change_point_of_mean;
  // Tokens by layer, and those that have none.
  std::vector<std::int64_t> onset_histogram, depth_histogram;
  std::int64_t without_onset = 0;
};

// Mean entropy by layer of `second` less that of `first`, with a band: two data
// sets of a run, or two groups of a data set.
struct Comparison {
  Population first, second;
  Curve entropy_difference;  // nats
};

struct Study {
  StudyOptions options;
  int layers = 0;
  std::vector<std::string> script_names;
  std::vector<Group> groups;
  std::vector<Comparison> comparisons;
  std::vector<Test> tests;
  // The study's questions and their answers in words, in order. An answer has
  // one statement a line.
  struct Answer {
    std::string question, answer;
  };
  std::vector<Answer> answers;
};

}  // namespace lens::analysis::statistics
