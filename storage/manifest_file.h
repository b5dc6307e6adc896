#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "storage/manifest.h"

namespace lens::storage {

// Whether a data set may be called so: letters, digits, _ and -, since it
// becomes a folder and, beside what all share, a group of results.h5.
bool is_dataset_name(std::string_view name);

// 32 hex digits: SHA-256 over what decides the results (config, model and input
// hashes, units). Paths, times and versions of this software do not enter.
std::string run_identity(const Manifest& manifest);

// What `config` says, as canonical JSON: the config_json attribute.
std::string config_json(const RunConfig& config);

// Placed by rename after fsync. Throws StorageError.
void write_manifest(const std::filesystem::path& file,
                    const Manifest& manifest);
// Checks version, run_id and the order of the units. Throws StorageError.
Manifest read_manifest(const std::filesystem::path& file);

}  // namespace lens::storage
