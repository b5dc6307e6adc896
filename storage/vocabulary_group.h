#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/hdf5/hdf5.h"
#include "storage/vocabulary.h"

namespace lens::storage {

// The data sets of the vocabulary, the same in vocabulary.h5 and results.h5.
// May throw StorageError and H5::Exception.

// Throws StorageError, which begins with `name`, unless each id has one text
// and one known script class.
void check_vocabulary(const Vocabulary& vocabulary, const std::string& name);

// /script with its names.
H5::DataSet create_script_scale(H5::Group& root,
                                const std::vector<std::string>& script_names);

// /vocabulary with its columns and checksum.
void create_vocabulary_group(H5::Group& root, const Vocabulary& vocabulary);

// Reads /script and /vocabulary and checks types, lengths, scales and checksum.
// `name` is for messages.
Vocabulary read_vocabulary_group(const H5::Group& root, std::int64_t file_bytes,
                                 const std::string& name);

}  // namespace lens::storage
