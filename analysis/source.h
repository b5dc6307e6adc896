#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "storage/manifest.h"
#include "storage/reader.h"

namespace lens::analysis {

// The results that a user names, and what has to be said about them.
struct Source {
  std::filesystem::path file;
  storage::ResultsReader results;
  storage::Vocabulary vocabulary;
  // Of the run directory; absent where only a file is given or where it cannot
  // be read. Names the data sets' files, which thumbnails come from.
  std::optional<storage::Manifest> manifest;
  // What its populations call the run; "" where it is read alone.
  std::string run = {};
  // One sentence each: what of the run is not in the file, what is missing.
  std::vector<std::string> notes;
};

// Whether the checksum over the whole file is checked before HDF5 sees a byte.
// Who reads one sample of many gigabytes does without, and may show damaged
// values.
enum class SealCheck { kWhole, kNone };

// `path` is a run directory or a results file. Of a directory results.h5 is
// taken, else results.partial.h5. Beside a file the manifest of its run is
// taken where run_id agrees. A file that another program rewrote has no seal:
// a note says so. Throws InputError: nothing there, or nothing merged yet;
// StorageError: a file that cannot be believed.
Source open_source(const std::filesystem::path& path,
                   SealCheck check = SealCheck::kWhole);

}  // namespace lens::analysis
