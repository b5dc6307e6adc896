#include "analysis/metrics/sample_table.h"

#include <algorithm>
#include <cmath>
#include <future>

#include "analysis/metrics/sample_reducer.h"
#include "analysis/metrics/token_spans.h"
#include "base/error.h"

namespace lens::analysis::metrics {
namespace {

using storage::ResultsReader;

// Token rows read at once: some 11 MB of the widest column of a 2B run.
constexpr std::int64_t kBlockRows = 4096;
// Samples whose text is read at once.
constexpr std::int64_t kBlockSamples = 2048;

std::int64_t code_points(std::string_view text) {
  std::int64_t count = 0;
  for (const char c : text)
    count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

Verdict verdict_of(const SampleRow& row, double right_score) {
  if (!row.ok || std::isnan(row.score)) return Verdict::kUnknown;
  // Scores are float: 0.9 has to count where 0.9 is asked for.
  return row.score >= static_cast<float>(right_score) ? Verdict::kRight
                                                      : Verdict::kWrong;
}

// What the file says of the samples [begin, end).
void read_records(const ResultsReader& results, std::int64_t begin,
                  std::int64_t end, SampleTable& samples) {
  auto records = results.read_records(
      samples.population.dataset, begin, end,
      ~table::columns_named<"prompt", "answer", "entropy_mean">());
  for (std::int64_t s = begin; s < end; ++s) {
    SampleRow& row = samples.rows[static_cast<std::size_t>(s)];
    static_cast<table::SampleRecord&>(row) =
        std::move(records[static_cast<std::size_t>(s - begin)]);
    row.sample = s;
    row.ok = row.status == table::SampleStatus::kOk;
    row.reference_characters = code_points(row.reference);
    row.reference = {};
    row.verdict = verdict_of(row, samples.right_score);
  }
}

TokenBlock read_block(const ResultsReader& results, std::string_view dataset,
                      const TokenSpan& span) {
  return {.row_begin = span.row_begin,
          .tokens = results.read_tokens(dataset, span.row_begin, span.row_end,
                                        SampleReducer::columns())};
}

void read_samples(const ResultsReader& results, SampleTable& table) {
  const auto samples = static_cast<std::int64_t>(table.rows.size());
  for (std::int64_t begin = 0; begin < samples; begin += kBlockSamples)
    read_records(results, begin, std::min(samples, begin + kBlockSamples),
                 table);
  const auto offset =
      results.read_all<std::int64_t>(table.population.dataset, "token_offset");
  const std::int64_t tokens = results.dataset(table.population.dataset).tokens;
  for (std::size_t s = 0; s < table.rows.size(); ++s) {
    table.rows[s].token_begin = offset[s];
    table.rows[s].token_end = offset[s + 1];
    if (offset[s] < 0 || offset[s] > offset[s + 1] || offset[s + 1] > tokens)
      throw StorageError("cannot use the samples of " +
                         table.population.dataset +
                         " (token_offset is damaged); run lens verify,"
                         " or merge again");
  }
}

std::vector<std::int64_t> offsets(const SampleTable& table) {
  std::vector<std::int64_t> offset = {0};
  for (const SampleRow& row : table.rows) offset.push_back(row.token_end);
  return offset;
}

}  // namespace

SampleTable read_sample_table(const ResultsReader& results,
                              std::string_view dataset,
                              const SampleTableOptions& options) {
  SampleTable table;
  table.population.dataset = dataset;
  table.layers = static_cast<int>(results.layers());
  table.script_names = results.script_names();
  table.onset = options.onset;
  table.right_score = options.right_score;
  const std::int64_t samples = results.dataset(dataset).samples;
  table.rows.resize(static_cast<std::size_t>(samples));
  read_samples(results, table);
  const auto role = results.read_all<std::uint8_t>(dataset, "token_role");
  SampleReducer reducer(table.layers, static_cast<int>(results.ranks()),
                        static_cast<int>(results.scripts()), options.onset);
  const auto spans = answer_spans(offsets(table), role, kBlockRows);
  // One block is read while the one before is reduced.
  std::future<TokenBlock> next;
  const auto begin_reading = [&](std::size_t i) {
    if (i < spans.size())
      next = std::async(std::launch::async, [&, i] {
        return read_block(results, dataset, spans[i]);
      });
  };
  begin_reading(0);
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const TokenSpan& span = spans[i];
    // Never two reads at once: HDF5 is not built for threads, and the reducer
    // does not call it.
    const TokenBlock block = next.get();
    begin_reading(i + 1);
    for (std::int64_t s = span.sample_begin; s < span.sample_end; ++s) {
      const auto at = static_cast<std::size_t>(s);
      reducer.reduce(block, role, table.rows[at],
                     options.most_tokens.empty() ? SampleReducer::kAllTokens
                                                 : options.most_tokens.at(at));
    }
    if (options.progress) options.progress(span.sample_end, samples);
  }
  return table;
}

}  // namespace lens::analysis::metrics
