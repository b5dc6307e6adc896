#pragma once

#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

namespace lens::cli {

struct StatsOptions {
  std::filesystem::path path = {};  // a run directory or a results file
  std::string json = {};            // file; "-": standard output; "": none
  std::vector<std::string> language = {};  // only these; empty: all
  int resamples = 2000;                    // bootstrap; at least 100
  int permutations = 9999;                 // at least 99
  std::uint64_t seed = 1;
  double onset_fraction = 0.5;  // 0 < a < 1
  double onset_range = 1.0;     // nats, at least 0
  double right_score = 0.9;     // from which score on an answer is right
  bool progress = false;        // on standard error
};

// `lens stats`: the study's answers and a table of groups as text, or all
// numbers as JSON. With json "-" nothing else is written to `out`. Returns the
// exit code. Throws InputError, StorageError.
int stats_command(const StatsOptions& options, std::ostream& out);

}  // namespace lens::cli
