#include "analysis/export/sample_block.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace lens::analysis::tables {
namespace {

using storage::ResultsReader;

// A block of samples without tokens is small too.
constexpr std::int64_t kBlockSamples = 1024;

[[noreturn]] void damaged(std::string_view dataset, const std::string& why) {
  throw StorageError("cannot use " + std::string(dataset) + " (" + why +
                     "); run lens verify, or merge again");
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
  block.first_sample = begin;
  block.samples = results.read_records(dataset, begin, end);
  block.tokens = results.read_tokens(
      dataset, first, last, ~table::columns_named<"script_share", "hidden">());
  check_ids(dataset, block.tokens.get<"token_id">(), vocabulary_size);
  check_ids(dataset, block.tokens.get<"top_id">(), vocabulary_size);
  for (std::int64_t& entry : offset) entry -= first;
  block.token_offset = std::move(offset);
  return block;
}

}  // namespace

std::size_t SampleBlock::cell(std::int64_t token, int layer) const {
  return static_cast<std::size_t>(token * tokens.widths.layers + layer);
}

std::int32_t SampleBlock::top1_id(std::int64_t token, int layer) const {
  return tokens.get<"top_id">()[first_top(token, layer)];
}

float SampleBlock::top1_logprob(std::int64_t token, int layer) const {
  return tokens.get<"top_logprob">()[first_top(token, layer)];
}

std::size_t SampleBlock::first_top(std::int64_t token, int layer) const {
  return cell(token, layer) * static_cast<std::size_t>(tokens.widths.ranks);
}

bool SampleBlock::generated(std::int64_t token) const {
  const auto role = static_cast<storage::TokenRole>(
      tokens.get<"token_role">()[static_cast<std::size_t>(token)]);
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
