#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/report/thumbnail.h"
#include "storage/manifest.h"

namespace lens::analysis::report {

// A picture asked for: of which row, and the size the results file knows.
struct PictureRequest {
  std::int64_t source_row = 0;
  int width = 0, height = 0;  // 0: not known
};

struct Pictures {
  std::vector<Thumbnail> thumbnails;  // one a request
  // Why the data set gives no picture at all, for a reader; empty where it
  // does: "pictures are not shown: ...".
  std::string missing;
};

// Thumbnails out of the Parquet files that the manifest names for `dataset`,
// which must be those that the run has read: same size, and same time of change
// or same SHA-256. A picture whose sides are others than asked for is not
// shown, nor is any of a run that showed the model none of them (--image
// blank). Nothing that is wrong with the files is thrown.
Pictures read_pictures(const storage::Manifest& manifest,
                       const std::string& dataset,
                       std::span<const PictureRequest> requests);

}  // namespace lens::analysis::report
