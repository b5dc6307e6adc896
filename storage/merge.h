#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/durable.h"
#include "storage/manifest.h"
#include "storage/part_receipt.h"
#include "storage/run_directory.h"

namespace lens::storage {

struct SoftwareInfo {
  std::string version;
  std::string git_commit;
};

struct MergeOptions {
  std::filesystem::path output;
  bool partial = false;  // units may be missing; the file says complete = 0
  SoftwareInfo software;
  // Called after each part with the number of parts copied and their total.
  std::function<void(std::int64_t, std::int64_t)> progress;
  // Told of each step of docs/format.md, section 8.
  StepObserver after_step;
};

struct MergeSummary {
  std::int64_t samples_total = 0;
  std::int64_t samples_ok = 0;
  std::int64_t samples_failed = 0;
  std::int64_t tokens = 0;
};

// Writes output.tmp from the parts in unit order, verifies it, fsyncs, renames.
// Streams: memory does not grow with the number of parts. The bytes depend only
// on the manifest, the vocabulary, the parts' content and the software version.
// Throws StorageError; then `output` is as it was.
MergeSummary merge(const RunDirectory& run, const Manifest& manifest,
                   const std::vector<CommittedPart>& parts,
                   const MergeOptions& options);

}  // namespace lens::storage
