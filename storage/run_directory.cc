#include "storage/run_directory.h"

#include <charconv>
#include <cstdio>
#include <system_error>

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

// Takes a number off the front of `text`.
template <typename Number>
bool take(std::string_view& text, Number& number) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool skip(std::string_view& text, char expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(1);
  return true;
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

std::filesystem::path RunDirectory::work_note(std::int32_t unit,
                                              std::uint64_t epoch,
                                              std::uint64_t number,
                                              std::uint64_t serial) const {
  const std::string suffix = "." + std::to_string(serial) + ".work";
  return crashes() / lease_file(unit, epoch, number, suffix.c_str());
}

std::optional<LeaseFile> parse_lease_file(std::string_view name,
                                          std::string_view& rest) {
  LeaseFile lease;
  rest = name;
  if (take(rest, lease.unit) && skip(rest, '.') && take(rest, lease.epoch) &&
      skip(rest, '-') && take(rest, lease.number)) {
    return lease;
  }
  return std::nullopt;
}

}  // namespace lens::storage
