#include "storage/run_directory.h"

#include <cstdio>

namespace lens::storage {

std::filesystem::path RunDirectory::part(const std::string& dataset,
                                         std::int32_t unit, std::uint64_t epoch,
                                         std::uint64_t number) const {
  char name[80];
  std::snprintf(name, sizeof name, "%06d.%llu-%llu.h5", unit,
                static_cast<unsigned long long>(epoch),
                static_cast<unsigned long long>(number));
  return parts() / dataset / name;
}

}  // namespace lens::storage
