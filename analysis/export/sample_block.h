#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/reader.h"
#include "table/token_rows.h"

namespace lens::analysis::tables {

// Some consecutive samples of a data set with their token rows, as they are in
// the file. Raw states and shares of scripts are left where they are.
struct SampleBlock {
  std::string dataset;
  std::int64_t first_sample = 0;
  std::vector<storage::SampleRecord> samples;

  // Token rows of samples[s] are token_offset[s] .. token_offset[s+1]-1.
  std::vector<std::int64_t> token_offset = {0};
  table::TokenRows tokens;

  int layers() const { return static_cast<int>(tokens.widths.layers); }

  // Of the first of the top tokens.
  std::int32_t top1_id(std::int64_t token, int layer) const;
  float top1_logprob(std::int64_t token, int layer) const;
  // Place of a value of a column [token, layer].
  std::size_t cell(std::int64_t token, int layer) const;

  bool generated(std::int64_t token) const;  // of the answer or its end

 private:
  std::size_t first_top(std::int64_t token, int layer) const;
};

// "template", "image", "question", "answer", "end_of_answer".
std::string_view role_name(std::uint8_t role);

// Reads a data set from front to back. A block has at most `block_tokens` token
// rows, but at least one sample. `vocabulary_size` bounds the ids. Throws
// StorageError: offsets that do not rise, ids beyond the vocabulary.
void for_each_block(const storage::ResultsReader& results,
                    std::string_view dataset, std::size_t vocabulary_size,
                    const std::function<void(const SampleBlock&)>& visit,
                    std::int64_t block_tokens = 2048);

// Samples [begin, end) in one block.
SampleBlock read_block(const storage::ResultsReader& results,
                       std::string_view dataset, std::size_t vocabulary_size,
                       std::int64_t begin, std::int64_t end);

}  // namespace lens::analysis::tables
