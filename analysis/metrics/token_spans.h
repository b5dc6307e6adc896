#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace lens::analysis::metrics {

// Consecutive samples and the token rows that hold their answers, end tokens
// included. Rows of images and questions in between are read only where they
// are few.
struct TokenSpan {
  std::int64_t sample_begin = 0, sample_end = 0;
  std::int64_t row_begin = 0, row_end = 0;

  bool operator==(const TokenSpan&) const = default;
};

// Every sample is in exactly one span, in order. A span has at most `most_rows`
// rows unless one sample alone has more.
//
//   offset  [sample + 1]  token_offset
//   role    [token]       token_role
std::vector<TokenSpan> answer_spans(std::span<const std::int64_t> offset,
                                    std::span<const std::uint8_t> role,
                                    std::int64_t most_rows);

}  // namespace lens::analysis::metrics
