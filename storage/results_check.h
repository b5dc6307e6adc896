#pragma once

#include <filesystem>
#include <functional>

#include "storage/verify.h"

namespace lens::storage {

// What verify_results() does, in this process: only for files that we wrote a
// moment ago, since a damaged one may crash or hang the HDF5 library. Calls
// `alive` after each block. Problems go to `report`; does not throw for what
// the file contains.
void check_results(const std::filesystem::path& file,
                   const std::function<void()>& alive, VerifyReport& report);

}  // namespace lens::storage
