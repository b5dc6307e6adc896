#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "analysis/diff/changed_answer.h"
#include "analysis/diff/configuration.h"
#include "analysis/diff/paired_group.h"
#include "analysis/diff/paired_test.h"
#include "analysis/diff/pairing.h"
#include "analysis/source.h"
#include "analysis/statistics/study.h"

namespace lens::analysis::diff {

struct DiffOptions {
  statistics::StudyOptions study = {};
  double right_score = 0.9;  // SampleTableOptions::right_score
  std::size_t opened = 40;   // changed answers, at most
};

// One data set: who is paired, and how the answers go together.
struct DatasetDiff {
  Pairing pairing;
  std::int64_t without_tokens = 0;  // pairs in which no token is compared
  std::int64_t changed = 0;         // answers
  // Pairs by verdict: [right in A, wrong in A][right in B, wrong in B].
  std::array<std::array<std::int64_t, 2>, 2> verdicts = {};
  // Pairs whose pictures have other sizes in the two runs.
  std::int64_t other_pictures = 0;
};

// Two runs held against each other, A and B; differences are B less A.
struct RunDiff {
  DiffOptions options;
  std::array<std::string, 2> names;  // files
  std::array<storage::ResultsInfo, 2> infos;
  std::vector<Setting> settings;
  // One sentence each: what of a run is missing, what is not compared and why.
  std::vector<std::string> notes;
  int layers = 0;
  std::vector<std::string> script_names;  // empty where they differ
  double largest_entropy = 0;             // ln V, of the larger vocabulary
  std::vector<DatasetDiff> datasets;      // of either run
  std::vector<PairedGroup> groups;
  std::vector<PairedTest> tests;
  std::vector<ChangedAnswer> changed;  // all; the opened ones have more
};

// Deterministic. Both sources outlive the call. Throws InputError where the
// runs have other numbers of layers, or no sample in common; StorageError.
RunDiff make_diff(const Source& a, const Source& b,
                  const DiffOptions& options = {});

}  // namespace lens::analysis::diff
