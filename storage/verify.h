#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "storage/manifest.h"
#include "storage/part_receipt.h"
#include "storage/run_directory.h"
#include "storage/verify_report.h"

namespace lens::storage {

// Every committed part exists, is whole, carries the recorded checksum and run
// id, and its values hold the invariants of docs/format.md.
VerifyReport verify_parts(const RunDirectory& run, const Manifest& manifest,
                          const std::vector<CommittedPart>& parts);

// A results.h5 alone: layout, scales, counts, offsets, finiteness, ranges, last
// state (kl_final is 0, top-1 of the last state is the token where greedy),
// content checksum. A seal that is gone, since another program opened the file
// for writing, is a note: the values speak for themselves. Never throws for a
// damaged file: it reports.
VerifyReport verify_results(const std::filesystem::path& file);

// What shows that the results.h5 of a run directory is not of this manifest's
// run, or that it cannot be read; "" where nothing does. Reads attributes and
// lengths, not the values, and does not look at the seal.
std::string foreign_results(const RunDirectory& run, const Manifest& manifest);

}  // namespace lens::storage
