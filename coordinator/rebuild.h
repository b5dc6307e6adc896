#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/records.h"
#include "storage/manifest.h"
#include "storage/run_directory.h"

namespace lens::coordinator {

// What the parts on disk say was committed, when the ledger is lost.
struct Rebuilt {
  std::vector<UnitCommit> commits;
  // The highest epoch that any part's name carries: a new coordinator has to be
  // above it, so that no old worker's token is taken for a new one.
  std::uint64_t highest_epoch = 0;
};

// Reads and checks every part of the run; damaged ones are left out, and their
// units are done again. Empty where there are none.
absl::StatusOr<Rebuilt> rebuild_from_parts(const storage::RunDirectory& run,
                                           const storage::Manifest& manifest);

// The units whose committed part is not on disk in its full length: deleted or
// lost since. Empty where results.h5 stands: it has all that they had.
std::vector<UnitIndex> lost_parts(const storage::RunDirectory& run,
                                  const LedgerContents& contents);

}  // namespace lens::coordinator
