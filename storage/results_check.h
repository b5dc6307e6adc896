#pragma once

#include <filesystem>

#include "storage/verify_report.h"

namespace lens::storage {

// What verify_results() does, in this process: only for files that we wrote a
// moment ago, or within run_guarded(), since a damaged one may crash or hang
// the HDF5 library. Problems go to `report`; does not throw for what the file
// contains.
void check_results(const std::filesystem::path& file, VerifyReport& report);

}  // namespace lens::storage
