#include "analysis/export/sample_block.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace lens::analysis::tables {
namespace {

using storage::ResultsReader;
using storage::SampleRecord;

// A block of samples without tokens is small too.
constexpr std::int64_t kBlockSamples = 1024;

[[noreturn]] void damaged(std::string_view dataset, const std::string& why) {
  throw StorageError("cannot use " + std::string(dataset) + " (" + why +
                     "); run lens verify, or merge again");
}

template <class Value, class Field>
void fill(const ResultsReader& results, std::string_view dataset,
          const char* column, std::int64_t begin, std::int64_t end,
          std::vector<SampleRecord>& samples, Field SampleRecord::*field) {
  auto values = results.read<Value>(dataset, column, begin, end);
  for (std::size_t s = 0; s < samples.size(); ++s)
    samples[s].*field = static_cast<Field>(std::move(values[s]));
}

std::vector<SampleRecord> read_records(const ResultsReader& results,
                                       std::string_view dataset,
                                       std::int64_t begin, std::int64_t end) {
  std::vector<SampleRecord> samples(static_cast<std::size_t>(end - begin));
  const auto texts = [&](const char* column, auto field) {
    fill<std::string>(results, dataset, column, begin, end, samples, field);
  };
  const auto counts = [&](const char* column, auto field) {
    fill<std::int32_t>(results, dataset, column, begin, end, samples, field);
  };
  texts("sample_id", &SampleRecord::sample_id);
  texts("language", &SampleRecord::language);
  texts("prompt", &SampleRecord::prompt);
  texts("reference", &SampleRecord::reference);
  texts("answer", &SampleRecord::answer);
  texts("failure", &SampleRecord::failure);
  counts("question_index", &SampleRecord::question_index);
  counts("image_height", &SampleRecord::image_height);
  counts("image_width", &SampleRecord::image_width);
  counts("grid_height", &SampleRecord::grid_height);
  counts("grid_width", &SampleRecord::grid_width);
  counts("image_tokens", &SampleRecord::image_tokens);
  counts("prompt_tokens", &SampleRecord::prompt_tokens);
  counts("answer_tokens", &SampleRecord::answer_tokens);
  fill<std::int64_t>(results, dataset, "source_row", begin, end, samples,
                     &SampleRecord::source_row);
  fill<std::uint8_t>(results, dataset, "status", begin, end, samples,
                     &SampleRecord::status);
  fill<float>(results, dataset, "score", begin, end, samples,
              &SampleRecord::score);
  const auto means = results.read<float>(dataset, "entropy_mean", begin, end);
  const auto layers = static_cast<std::size_t>(results.layers());
  for (std::size_t s = 0; s < samples.size(); ++s) {
    const auto row = means.begin() + static_cast<std::ptrdiff_t>(s * layers);
    samples[s].entropy_mean.assign(row,
                                   row + static_cast<std::ptrdiff_t>(layers));
  }
  return samples;
}

// Invariant: ids lie in 0..V-1, so that each has a text.
void check_ids(std::string_view dataset, const std::vector<std::int32_t>& ids,
               std::size_t vocabulary_size) {
  for (const std::int32_t id : ids) {
    if (id < 0 || static_cast<std::size_t>(id) >= vocabulary_size)
      damaged(dataset,
              "token id " + std::to_string(id) + " is not in the vocabulary");
  }
}

// `offset` of samples [begin, end], counted over the data set.
SampleBlock read_rows(const ResultsReader& results, std::string_view dataset,
                      std::size_t vocabulary_size, std::int64_t begin,
                      std::vector<std::int64_t> offset) {
  const std::int64_t end = begin + static_cast<std::int64_t>(offset.size()) - 1;
  const std::int64_t first = offset.front(), last = offset.back();
  if (first < 0 || last > results.dataset(dataset).tokens ||
      !std::is_sorted(offset.begin(), offset.end()))
    damaged(dataset, "token_offset does not rise within the tokens");
  SampleBlock block;
  block.dataset = dataset;
  block.layers = static_cast<int>(results.layers());
  block.ranks = static_cast<int>(results.ranks());
  block.first_sample = begin;
  block.samples = read_records(results, dataset, begin, end);
  const auto read = [&]<class Value>(const char* column,
                                     std::vector<Value>& values) {
    values = results.read<Value>(dataset, column, first, last);
  };
  read("token_id", block.token_id);
  read("token_position", block.token_position);
  read("token_role", block.token_role);
  read("entropy", block.entropy);
  read("kl_final", block.kl_final);
  read("target_logprob", block.target_logprob);
  read("target_rank", block.target_rank);
  read("top_id", block.top_id);
  read("top_logprob", block.top_logprob);
  check_ids(dataset, block.token_id, vocabulary_size);
  check_ids(dataset, block.top_id, vocabulary_size);
  for (std::int64_t& entry : offset) entry -= first;
  block.token_offset = std::move(offset);
  return block;
}

}  // namespace

std::size_t SampleBlock::cell(std::int64_t token, int layer) const {
  return static_cast<std::size_t>(token * layers + layer);
}

std::int32_t SampleBlock::top1_id(std::int64_t token, int layer) const {
  return top_id[cell(token, layer) * static_cast<std::size_t>(ranks)];
}

float SampleBlock::top1_logprob(std::int64_t token, int layer) const {
  return top_logprob[cell(token, layer) * static_cast<std::size_t>(ranks)];
}

bool SampleBlock::generated(std::int64_t token) const {
  const auto role = static_cast<storage::TokenRole>(
      token_role[static_cast<std::size_t>(token)]);
  return role == storage::TokenRole::kAnswer ||
         role == storage::TokenRole::kEndOfAnswer;
}

std::string_view role_name(std::uint8_t role) {
  constexpr std::array<std::string_view, 5> kNames = {
      "template", "image", "question", "answer", "end_of_answer"};
  return role < kNames.size() ? kNames[role] : "unknown";
}

SampleBlock read_block(const ResultsReader& results, std::string_view dataset,
                       std::size_t vocabulary_size, std::int64_t begin,
                       std::int64_t end) {
  return read_rows(
      results, dataset, vocabulary_size, begin,
      results.read<std::int64_t>(dataset, "token_offset", begin, end + 1));
}

void for_each_block(const ResultsReader& results, std::string_view dataset,
                    std::size_t vocabulary_size,
                    const std::function<void(const SampleBlock&)>& visit,
                    std::int64_t block_tokens) {
  const auto offset = results.read_all<std::int64_t>(dataset, "token_offset");
  const std::int64_t samples = results.dataset(dataset).samples;
  for (std::int64_t begin = 0; begin < samples;) {
    std::int64_t end = begin + 1;
    const std::int64_t first = offset[static_cast<std::size_t>(begin)];
    while (end < samples && end - begin < kBlockSamples &&
           offset[static_cast<std::size_t>(end) + 1] - first <= block_tokens)
      ++end;
    visit(read_rows(results, dataset, vocabulary_size, begin,
                    {offset.begin() + begin, offset.begin() + end + 1}));
    begin = end;
  }
}

}  // namespace lens::analysis::tables
