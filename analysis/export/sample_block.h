#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/reader.h"

namespace lens::analysis::tables {

// Some consecutive samples of a data set with their token rows, as they are in
// the file. Raw states and shares of scripts are left where they are.
struct SampleBlock {
  std::string dataset;
  int layers = 0;
  int ranks = 0;
  std::int64_t first_sample = 0;
  std::vector<storage::SampleRecord> samples;

  // Token rows of samples[s] are token_offset[s] .. token_offset[s+1]-1 of the
  // columns below.
  std::vector<std::int64_t> token_offset = {0};
  std::vector<std::int32_t> token_id;        // [token]
  std::vector<std::int32_t> token_position;  // [token]
  std::vector<std::uint8_t> token_role;      // [token], storage::TokenRole
  std::vector<float> entropy;                // [token, layer], nats
  std::vector<float> kl_final;               // [token, layer], nats
  std::vector<float> target_logprob;         // [token, layer], nats
  std::vector<std::int32_t> target_rank;     // [token, layer], from 1
  std::vector<std::int32_t> top_id;          // [token, layer, rank]
  std::vector<float> top_logprob;            // [token, layer, rank], nats

  // Of the first of the top tokens.
  std::int32_t top1_id(std::int64_t token, int layer) const;
  float top1_logprob(std::int64_t token, int layer) const;
  std::size_t cell(std::int64_t token, int layer) const;

  bool generated(std::int64_t token) const;  // of the answer or its end
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
