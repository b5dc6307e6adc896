#pragma once

#include <filesystem>

#include "storage/vocabulary.h"

namespace lens::storage {

// vocabulary.h5 of the run directory, written when the run is planned.
void write_vocabulary(const std::filesystem::path& file,
                      const Vocabulary& vocabulary);
Vocabulary read_vocabulary(const std::filesystem::path& file);

}  // namespace lens::storage
