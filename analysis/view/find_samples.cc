#include "analysis/view/find_samples.h"

#include <fmt/format.h>

#include <algorithm>

namespace lens::analysis::view {
namespace {

constexpr std::int64_t kTextRows = 4096;

// Prompts, references and answers of the rows around the one asked for.
class TextRows {
 public:
  TextRows(const storage::ResultsReader& results, const std::string& dataset)
      : results_(results), dataset_(dataset) {}

  const SampleTexts& at(std::int64_t row) {
    if (row < begin_ || row >= begin_ + static_cast<std::int64_t>(rows_.size()))
      read(row);
    return rows_[static_cast<std::size_t>(row - begin_)];
  }

 private:
  void read(std::int64_t begin) {
    const std::int64_t end =
        std::min(begin + kTextRows, results_.dataset(dataset_).samples);
    const auto column = [&](const char* name) {
      return results_.read<std::string>(dataset_, name, begin, end);
    };
    auto prompts = column("prompt"), references = column("reference"),
         answers = column("answer");
    rows_.clear();
    for (std::size_t i = 0; i < prompts.size(); ++i)
      rows_.push_back({.prompt = std::move(prompts[i]),
                       .reference = std::move(references[i]),
                       .answer = std::move(answers[i])});
    begin_ = begin;
  }

  const storage::ResultsReader& results_;
  const std::string& dataset_;
  std::int64_t begin_ = 0;
  std::vector<SampleTexts> rows_;
};

// Whether `a` comes before `b`; what is missing comes last either way.
bool before(const QueryValue& a, const QueryValue& b, bool descending) {
  if (!a || !b) return a.has_value() && !b.has_value();
  return descending ? *b < *a : *a < *b;
}

void search(const Source& source, const std::string& dataset,
            const Query& query, const std::vector<QueryField>& fields,
            FoundSamples& found) {
  const metrics::SampleTable table =
      metrics::read_sample_table(source.results, dataset);
  const bool needs_texts = std::any_of(
      fields.begin(), fields.end(),
      [](const QueryField& field) { return field.is_sample_text(); });
  TextRows texts(source.results, dataset);
  for (const metrics::SampleRow& row : table.rows) {
    const QuerySample sample = {
        .table = &table,
        .row = &row,
        .texts = needs_texts ? &texts.at(row.sample) : nullptr};
    ++found.searched;
    if (!query.matches(sample)) continue;
    FoundSample match{
        .dataset = dataset, .sample_id = row.sample_id, .values = {}};
    for (const QueryField& field : fields)
      match.values.push_back(field.value(sample));
    found.samples.push_back(std::move(match));
  }
}

}  // namespace

FoundSamples find_samples(const Source& source, std::string_view text,
                          const FindOptions& options) {
  const int layers = static_cast<int>(source.results.layers());
  const Query query = Query::parse(text, layers);
  std::vector<QueryField> fields = query.fields();
  std::size_t sort_field = fields.size();
  if (!options.sort.empty()) {
    const QueryField field = QueryField::parse(options.sort, layers);
    const auto known = std::find(fields.begin(), fields.end(), field);
    sort_field = static_cast<std::size_t>(known - fields.begin());
    if (known == fields.end()) fields.push_back(field);
  }
  FoundSamples found;
  for (const QueryField& field : fields) found.fields.push_back(field.name());
  for (const storage::DatasetSummary& dataset : source.results.datasets())
    search(source, dataset.name, query, fields, found);
  if (!options.sort.empty())
    std::stable_sort(found.samples.begin(), found.samples.end(),
                     [&](const FoundSample& a, const FoundSample& b) {
                       return before(a.values[sort_field], b.values[sort_field],
                                     options.descending);
                     });
  return found;
}

std::string query_value_text(const QueryValue& value) {
  if (!value) return "";
  return std::visit([](const auto& held) { return fmt::format("{}", held); },
                    *value);
}

}  // namespace lens::analysis::view
