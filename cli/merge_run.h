#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "storage/manifest.h"
#include "storage/merge.h"
#include "storage/run_directory.h"

namespace lens::cli {

struct MergeRequest {
  bool partial = false;
  std::filesystem::path output;  // empty: results.h5, or results.partial.h5
  // Parts copied and their total. May throw to stop the merge.
  std::function<void(std::int64_t, std::int64_t)> progress;
  // One line: who is waited for.
  std::function<void(const std::string&)> note = [](const std::string&) {};
  // Sleeps a moment while another process is merging; may throw to end the
  // wait. Empty: that process is not waited for.
  std::function<void()> pause = {};
};

struct MergeResult {
  std::filesystem::path output;
  storage::MergeSummary summary;
  std::int64_t units = 0;  // merged
  std::int64_t units_total = 0;
};

// The parts of a run as one verified file. A full merge into results.h5 takes
// the run to the states merging and complete; a partial one, or one to another
// file, leaves the state alone. While a coordinator runs, a partial merge takes
// the parts it finds on disk.
//
// Throws lens::InputError: units are missing and `partial` is not set, another
// process is merging, the written file does not verify; StorageError.
MergeResult merge_run(const storage::RunDirectory& run,
                      const MergeRequest& request);

// Whether the ledger has every unit and each part that it names is on disk in
// its full length.
bool has_committed_parts(const storage::RunDirectory& run,
                         const storage::Manifest& manifest);

// For a run whose results stand: what a merge that was killed behind its last
// step has left undone in the ledger. Errors as merge_run.
void mark_complete(const storage::RunDirectory& run,
                   const std::function<void(const std::string&)>& note);

// Removes the committed parts of a complete run. results.h5 has what they hold.
void remove_parts(const storage::RunDirectory& run);

}  // namespace lens::cli
