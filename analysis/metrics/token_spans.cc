#include "analysis/metrics/token_spans.h"

#include "storage/unit_result.h"

namespace lens::analysis::metrics {
namespace {

// Reading so many rows too many costs less than another read.
constexpr std::int64_t kGapRows = 64;

bool of_answer(std::uint8_t role) {
  return role >= static_cast<std::uint8_t>(storage::TokenRole::kAnswer);
}

}  // namespace

std::vector<TokenSpan> answer_spans(std::span<const std::int64_t> offset,
                                    std::span<const std::uint8_t> role,
                                    std::int64_t most_rows) {
  std::vector<TokenSpan> spans;
  for (std::size_t s = 0; s + 1 < offset.size(); ++s) {
    std::int64_t begin = offset[s], end = offset[s + 1];
    while (begin < end && !of_answer(role[static_cast<std::size_t>(begin)]))
      ++begin;
    while (begin < end && !of_answer(role[static_cast<std::size_t>(end - 1)]))
      --end;
    const auto sample = static_cast<std::int64_t>(s);
    const bool empty = begin == end;
    if (!spans.empty()) {
      TokenSpan& span = spans.back();
      const bool fresh = span.row_begin == span.row_end;
      if (empty || fresh ||
          (begin - span.row_end <= kGapRows &&
           end - span.row_begin <= most_rows)) {
        if (!empty && fresh) span.row_begin = begin;
        if (!empty) span.row_end = end;
        span.sample_end = sample + 1;
        continue;
      }
    }
    spans.push_back({sample, sample + 1, begin, end});
  }
  return spans;
}

}  // namespace lens::analysis::metrics
