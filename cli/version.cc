#include "cli/version.h"

#include "lens_version_generated.h"

namespace lens::cli {

storage::SoftwareInfo software_info() {
  return {.version = LENS_VERSION, .git_commit = LENS_GIT_COMMIT};
}

std::string version_line() {
  return "lens " LENS_VERSION " (commit " LENS_GIT_COMMIT ")";
}

}  // namespace lens::cli
