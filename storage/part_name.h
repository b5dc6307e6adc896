#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "storage/run_directory.h"

namespace lens::storage {

// What the name of a part's file says.
struct PartName {
  std::int32_t unit = 0;
  std::uint64_t epoch = 0;
  std::uint64_t number = 0;
};

// Nothing where the name is not the very one that RunDirectory::part() gives.
std::optional<PartName> part_name(const RunDirectory& run,
                                  const std::string& dataset,
                                  const std::filesystem::path& file);

}  // namespace lens::storage
