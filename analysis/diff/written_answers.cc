#include "analysis/diff/written_answers.h"

#include <algorithm>
#include <string>

#include "analysis/metrics/token_spans.h"
#include "base/error.h"
#include "table/sample_record.h"

namespace lens::analysis::diff {
namespace {

constexpr std::int64_t kBlockRows = 65536;
constexpr std::int64_t kBlockSamples = 2048;

void read_samples(const storage::ResultsReader& results,
                  std::string_view dataset, std::int64_t count,
                  WrittenAnswers& all) {
  for (std::int64_t begin = 0; begin < count; begin += kBlockSamples)
    for (table::SampleRecord& record : results.read_records(
             dataset, begin, std::min(count, begin + kBlockSamples),
             table::columns_named<"sample_id", "status">()))
      all.samples.push_back({.id = std::move(record.sample_id),
                             .ok = record.status == table::SampleStatus::kOk});
}

void read_tokens(const storage::ResultsReader& results,
                 std::string_view dataset, WrittenAnswers& all) {
  const auto offset = results.read_all<std::int64_t>(dataset, "token_offset");
  const auto role = results.read_all<std::uint8_t>(dataset, "token_role");
  const auto rows = static_cast<std::int64_t>(role.size());
  for (std::size_t s = 0; s + 1 < offset.size(); ++s)
    if (offset[s] < 0 || offset[s] > offset[s + 1] || offset[s + 1] > rows)
      throw StorageError("cannot use the samples of " + std::string(dataset) +
                         " (token_offset is damaged); run lens verify, or "
                         "merge again");
  for (const metrics::TokenSpan& span :
       metrics::answer_spans(offset, role, kBlockRows)) {
    const auto ids = results.read<std::int32_t>(dataset, "token_id",
                                                span.row_begin, span.row_end);
    for (std::int64_t s = span.sample_begin; s < span.sample_end; ++s) {
      WrittenAnswer& answer = all.answers[static_cast<std::size_t>(s)];
      for (std::int64_t t = offset[static_cast<std::size_t>(s)];
           t < offset[static_cast<std::size_t>(s) + 1]; ++t) {
        const auto kind =
            static_cast<table::TokenRole>(role[static_cast<std::size_t>(t)]);
        answer.ended = kind == table::TokenRole::kEndOfAnswer;
        if (!answer.ended && kind != table::TokenRole::kAnswer) continue;
        if (answer.tokens.empty()) answer.first_row = t;
        answer.tokens.push_back(
            ids[static_cast<std::size_t>(t - span.row_begin)]);
      }
    }
  }
}

}  // namespace

WrittenAnswers read_answers(const storage::ResultsReader& results,
                            std::string_view dataset) {
  WrittenAnswers all;
  for (const storage::DatasetSummary& summary : results.datasets()) {
    if (summary.name != dataset) continue;
    read_samples(results, dataset, summary.samples, all);
    all.answers.resize(all.samples.size());
    read_tokens(results, dataset, all);
  }
  return all;
}

}  // namespace lens::analysis::diff
