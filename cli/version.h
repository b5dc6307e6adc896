#pragma once

#include <string>

#include "storage/merge.h"

namespace lens::cli {

// Version of the project and commit it was built from ("unknown" outside a
// checkout, with "-dirty" where tracked files were changed).
storage::SoftwareInfo software_info();

// "lens 0.1.0 (commit 1a2b3c4d5e6f)".
std::string version_line();

}  // namespace lens::cli
