#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "storage/merge.h"

namespace lens::storage {

struct VerifyReport {
  std::vector<std::string> problems;  // one line each; empty: all is well
  std::int64_t parts_checked = 0;
  std::int64_t samples = 0;
  std::int64_t tokens = 0;

  bool ok() const { return problems.empty(); }
};

// Every committed part exists, is whole, carries the recorded checksum and run
// id, and its values hold the invariants of docs/format.md.
VerifyReport verify_parts(const RunDirectory& run, const Manifest& manifest,
                          const std::vector<CommittedPart>& parts);

// A results.h5 alone: layout, scales, counts, offsets, finiteness, ranges, last
// state (kl_final is 0, top-1 of the last state is the token where greedy),
// content checksum. Never throws for a damaged file: it reports.
VerifyReport verify_results(const std::filesystem::path& file);

}  // namespace lens::storage
