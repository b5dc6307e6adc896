#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <tuple>

#include "storage/error.h"
#include "storage/part_order.h"
#include "storage/part_summary.h"

namespace lens::storage {
namespace {

struct PartName {
  std::int32_t unit = 0;
  std::uint64_t epoch = 0;
  std::uint64_t number = 0;
};

// The name must be the very one RunDirectory::part() gives.
std::optional<PartName> parse_name(const RunDirectory& run,
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

bool newer(const PartName& a, const PartName& b) {
  return std::tie(a.epoch, a.number) > std::tie(b.epoch, b.number);
}

struct Candidate {
  PartName name;
  std::filesystem::path file;
};

std::map<std::int32_t, std::vector<Candidate>> find_candidates(
    const RunDirectory& run, const std::string& dataset) {
  std::map<std::int32_t, std::vector<Candidate>> found;
  std::error_code error;
  std::filesystem::directory_iterator entries(run.parts() / dataset, error);
  if (error) return found;  // no unit of it is done yet
  for (const auto& entry : entries) {
    if (const auto name = parse_name(run, dataset, entry.path())) {
      found[name->unit].push_back({*name, entry.path()});
    }
  }
  return found;
}

}  // namespace

std::vector<CommittedPart> scan_parts(const RunDirectory& run,
                                      const Manifest& manifest) {
  std::vector<CommittedPart> parts;
  for (const DatasetInput& dataset : manifest.datasets) {
    for (auto& [unit, candidates] : find_candidates(run, dataset.name)) {
      if (unit < 0 ||
          unit >= static_cast<std::int64_t>(manifest.units.size()) ||
          manifest.units[unit].dataset != dataset.name) {
        continue;
      }
      std::sort(candidates.begin(), candidates.end(),
                [](const Candidate& a, const Candidate& b) {
                  return newer(a.name, b.name);
                });
      for (const Candidate& candidate : candidates) {
        try {
          const PartSummary summary = read_part_summary(candidate.file);
          if (summary.header.run_id != manifest.run_id ||
              summary.header.dataset != dataset.name ||
              summary.header.unit != unit ||
              summary.samples != manifest.units[unit].samples) {
            continue;
          }
          parts.push_back(
              {.unit = unit,
               .receipt = {
                   .file_name = candidate.file.lexically_relative(run.root())
                                    .generic_string(),
                   .bytes = summary.bytes,
                   .content_sha256 = summary.content_sha256}});
          break;
        } catch (const StorageError&) {
          // A damaged or vanished part: an older attempt may do.
        }
      }
    }
  }
  std::sort(parts.begin(), parts.end(),
            [](const CommittedPart& a, const CommittedPart& b) {
              return a.unit < b.unit;
            });
  return parts;
}

}  // namespace lens::storage
