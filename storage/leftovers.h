#pragma once

#include <cstdint>
#include <vector>

#include "storage/part_receipt.h"
#include "storage/run_directory.h"

namespace lens::storage {

struct Leftovers {
  std::int64_t files = 0;
  std::int64_t bytes = 0;
};

// Removes what processes that died left behind in a run directory: temporary
// files (DurableFile) that nobody writes, and parts that no commit names. Says
// what went; what cannot be removed stays.
//
// Only for who holds the ledger that `committed` comes from, before a worker of
// its epoch exists: a part that is not committed by then never will be. Not
// after a ledger was made anew, which takes its commits from the parts.
Leftovers collect_leftovers(const RunDirectory& run,
                            const std::vector<CommittedPart>& committed);

}  // namespace lens::storage
