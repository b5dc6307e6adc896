#include "storage/scan_parts.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/error.h"
#include "storage/part.h"
#include "storage/part_name.h"

namespace lens::storage {
namespace {

bool newer(const LeaseFile& a, const LeaseFile& b) {
  return std::tie(a.epoch, a.number) > std::tie(b.epoch, b.number);
}

struct Candidate {
  LeaseFile name;
  std::filesystem::path file;
};

std::map<std::int32_t, std::vector<Candidate>> find_candidates(
    const RunDirectory& run, const std::string& dataset) {
  std::map<std::int32_t, std::vector<Candidate>> found;
  std::error_code error;
  // No folder: no unit of it is done yet.
  for (std::filesystem::directory_iterator entry(run.parts() / dataset, error);
       !error && entry != std::filesystem::directory_iterator();
       entry.increment(error)) {
    if (const auto name = part_name(run, dataset, entry->path())) {
      found[name->unit].push_back({*name, entry->path()});
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
      // Several attempts may lie there, of workers that were given up and went
      // on; the newest that can be read is taken.
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
