#include "storage/run_directory.h"

#include <cstdio>

namespace lens::storage {
namespace {

// <unit, 6 digits>.<epoch>-<number><suffix>
std::string lease_file(std::int32_t unit, std::uint64_t epoch,
                       std::uint64_t number, const char* suffix) {
  char name[80];
  std::snprintf(name, sizeof name, "%06d.%llu-%llu%s", unit,
                static_cast<unsigned long long>(epoch),
                static_cast<unsigned long long>(number), suffix);
  return name;
}

}  // namespace

std::filesystem::path RunDirectory::part(const std::string& dataset,
                                         std::int32_t unit, std::uint64_t epoch,
                                         std::uint64_t number) const {
  return parts() / dataset / lease_file(unit, epoch, number, ".h5");
}

std::filesystem::path RunDirectory::crash_note(std::int32_t unit,
                                               std::uint64_t epoch,
                                               std::uint64_t number) const {
  return crashes() / lease_file(unit, epoch, number, ".txt");
}

}  // namespace lens::storage
