#pragma once

#include <cstdint>

#include "analysis/statistics/study.h"

namespace CLI {
class App;
}

namespace lens::cli {

// The flags of `lens stats` and `lens report` that decide a number.
struct StudyFlags {
  int resamples = 2000;         // bootstrap; at least 100
  int permutations = 9999;      // at least 99
  std::uint64_t seed = 1;       // of both
  double onset_fraction = 0.5;  // 0 < a < 1
  double onset_range = 1.0;     // nats, at least 0
  double right_score = 0.9;     // from which score on an answer is right
};

// What the command line says lands in `flags`, which outlives `command`.
void add_study_flags(CLI::App& command, StudyFlags& flags);

// Throws InputError where a value makes no sense.
analysis::statistics::StudyOptions study_options(const StudyFlags& flags);

}  // namespace lens::cli
