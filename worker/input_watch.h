#pragma once

#include <vector>

#include "storage/manifest.h"

namespace lens::worker {

// Throws lens::InputChanged where one of the files is not the one that was
// planned: it is gone, or its size or time of change is another. Other hosts
// may see a time without its fraction of a second: that is the same time.
void require_unchanged(const storage::InputFile& file);
void require_unchanged(const std::vector<storage::InputFile>& files);

}  // namespace lens::worker
