#pragma once

#include <filesystem>
#include <vector>

#include "storage/manifest.h"
#include "storage/part.h"
#include "storage/part_receipt.h"
#include "storage/run_directory.h"

namespace lens::storage {

// The file a receipt names. Throws StorageError where the name leaves the run
// directory.
std::filesystem::path part_path(const RunDirectory& run,
                                const PartReceipt& receipt);

// Throws StorageError where `part` is not what `committed` and the manifest say
// of it: run, data set, unit, checksum, samples, layers, ranks, hidden states.
void check_ownership(const Manifest& manifest, const CommittedPart& committed,
                     const Part& part, const std::string& name);

}  // namespace lens::storage
