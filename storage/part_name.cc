#include "storage/part_name.h"

#include <charconv>
#include <system_error>

namespace lens::storage {

std::optional<PartName> part_name(const RunDirectory& run,
                                  const std::string& dataset,
                                  const std::filesystem::path& file) {
  const std::string text = file.filename().string();
  PartName name;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&](auto& value, char delimiter) {
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || next == end || *next != delimiter) return false;
    at = next + 1;
    return true;
  };
  if (!number(name.unit, '.') || !number(name.epoch, '-') ||
      !number(name.number, '.') ||
      run.part(dataset, name.unit, name.epoch, name.number).filename() !=
          text) {
    return {};
  }
  return name;
}

}  // namespace lens::storage
