#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/durable.h"
#include "storage/manifest.h"
#include "storage/part.h"
#include "storage/run_directory.h"

namespace lens::storage {

// Text and script class of every id of the vocabulary, and the class names.
struct Vocabulary {
  std::vector<std::string> token_text;     // [vocab]
  std::vector<std::uint8_t> token_script;  // [vocab], index into script_names
  std::vector<std::string> script_names;   // [script]
};

// vocabulary.h5 of the run directory, written when the run is planned.
void write_vocabulary(const std::filesystem::path& file,
                      const Vocabulary& vocabulary);
Vocabulary read_vocabulary(const std::filesystem::path& file);

// One committed unit, as the ledger has it.
struct CommittedPart {
  std::int32_t unit = 0;
  PartReceipt receipt;
};

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

// The parts found on disk that belong to the manifest, one per unit, for a
// partial merge while the ledger is held by a running coordinator.
std::vector<CommittedPart> scan_parts(const RunDirectory& run,
                                      const Manifest& manifest);

}  // namespace lens::storage
