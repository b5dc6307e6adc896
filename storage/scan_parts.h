#pragma once

#include <vector>

#include "storage/manifest.h"
#include "storage/part_receipt.h"
#include "storage/run_directory.h"

namespace lens::storage {

// The parts found on disk that belong to the manifest, one per unit, for a
// partial merge while the ledger is held by a running coordinator.
std::vector<CommittedPart> scan_parts(const RunDirectory& run,
                                      const Manifest& manifest);

}  // namespace lens::storage
