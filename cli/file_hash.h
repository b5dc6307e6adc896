#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cli/hash_memory.h"
#include "storage/manifest.h"

namespace lens::cli {

struct HashOptions {
  // Files hashed before. One with the same path, size and time of change is
  // believed and not read again.
  std::vector<storage::InputFile> known = {};
  // Of files that earlier runs hashed; believed as well. Null: none.
  const HashMemory* memory = nullptr;
  int threads = 1;
  // Bytes read so far and in all (of what has to be read). Called from one
  // thread at a time, about every 50 ms and at the end.
  std::function<void(std::int64_t, std::int64_t)> progress = {};
};

// Size, time and SHA-256 of each file, in the order given; paths are made
// absolute. Throws lens::InputError or StorageError when one cannot be
// read.
std::vector<storage::InputFile> hash_files(
    const std::vector<std::filesystem::path>& files,
    const HashOptions& options);

// One hash for a set of files: SHA-256 over "name sha256" lines sorted by name.
// Folders do not enter, so a copied checkpoint keeps its hash.
std::string combined_sha256(const std::vector<storage::InputFile>& files);

}  // namespace lens::cli
