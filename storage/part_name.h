#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "storage/run_directory.h"

namespace lens::storage {

// The lease in the name of a part's file; nothing where the name is not the
// very one that RunDirectory::part() gives.
std::optional<LeaseFile> part_name(const RunDirectory& run,
                                   const std::string& dataset,
                                   const std::filesystem::path& file);

}  // namespace lens::storage
