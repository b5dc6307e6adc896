#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "analysis/metrics/sample_row.h"
#include "table/token_rows.h"

namespace lens::analysis::metrics {

// Some consecutive token rows of a data set.
struct TokenBlock {
  std::int64_t row_begin = 0;  // of the file
  table::TokenRows tokens;
};

// Reduces the tokens of one sample after the other.
class SampleReducer {
 public:
  SampleReducer(int layers, int ranks, int scripts, const OnsetRule& onset);

  // What it needs of a block.
  static table::ColumnSet columns();

  // Fills what `row` says of its tokens, from its rows in `block`. `role` is
  // that of the whole data set, [token]. Ends before the answer token that
  // would be one more than `most_tokens`.
  void reduce(const TokenBlock& block, std::span<const std::uint8_t> role,
              SampleRow& row, std::int32_t most_tokens = kAllTokens);
  static constexpr std::int32_t kAllTokens =
      std::numeric_limits<std::int32_t>::max();

 private:
  void add_answer_token(const table::TokenRows& tokens, std::size_t index,
                        SampleRow& row);
  // The first of the top tokens of each state, into top_.
  void take_top(const table::TokenRows& tokens, std::size_t index);
  void follow_answer(std::int32_t token);
  void settle(SampleRow& row) const;
  void write_means(SampleRow& row) const;

  const std::size_t layers_, ranks_, scripts_;
  const OnsetRule onset_;
  // Of the sample in hand; kept between samples for their memory.
  std::vector<double> entropy_, kl_final_, target_logprob_, log_rank_,
      script_share_, image_attention_;
  std::vector<std::int32_t> hits_;  // [layer] answer tokens on top
  std::vector<std::uint8_t> same_;  // [layer]
  std::vector<std::int32_t> top_;   // [layer]
};

}  // namespace lens::analysis::metrics
