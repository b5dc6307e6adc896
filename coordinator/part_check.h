#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "absl/status/status.h"

namespace lens::coordinator {

// A part of `dataset` lies in parts/<dataset>/ of the run directory, whoever
// names it: nothing else may enter the ledger. INVALID_ARGUMENT otherwise.
absl::Status check_part_name(const std::string& file_name,
                             const std::string& dataset);

// Whether the file is there with this size. Asks again for up to `patience`: a
// shared file system may show another host's new file late. DATA_LOSS: it is
// not. UNAVAILABLE: the coordinator cannot look just now, for want of
// descriptors or memory, or because the file system fails.
absl::Status check_part_file(const std::filesystem::path& file,
                             std::int64_t bytes,
                             std::chrono::milliseconds patience);

}  // namespace lens::coordinator
