#include "storage/part_name.h"

namespace lens::storage {

std::optional<LeaseFile> part_name(const RunDirectory& run,
                                   const std::string& dataset,
                                   const std::filesystem::path& file) {
  const std::string text = file.filename().string();
  std::string_view rest;
  const auto name = parse_lease_file(text, rest);
  if (!name ||
      run.part(dataset, name->unit, name->epoch, name->number).filename() !=
          text) {
    return std::nullopt;
  }
  return name;
}

}  // namespace lens::storage
