#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/export/sample_block.h"

namespace lens::analysis::tables {

// A name for files of a sample that every file system takes: letters, digits
// and ". _ -" stay (a first dot does not), all else becomes %XX.
std::string file_name_of(std::string_view sample_id);

// The study's two files of samples[s], in `folder`:
//
//   SAMPLE.tokens.csv   the top token of each layer
//   SAMPLE.entropy.csv  the entropy of each layer, nats; the last column is
//                       their mean over the answer (entropy_mean of the file)
//
// A row for each layer from 0 on, its number first; a column for each generated
// token, headed by its text, the end token included. Throws
// StorageError.
void write_sample_files(const std::filesystem::path& folder,
                        const SampleBlock& block, std::size_t s,
                        const std::vector<std::string>& token_text);

}  // namespace lens::analysis::tables
