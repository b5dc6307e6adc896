#include "analysis/export/tables.h"

#include <map>
#include <set>
#include <utility>

#include "analysis/export/csv.h"
#include "analysis/metrics/sample_group.h"

namespace lens::analysis::tables {
namespace {

// Places of all columns but those of these names.
std::vector<int> places_without(const arrow::Schema& schema,
                                const std::set<std::string_view>& left_out) {
  std::vector<int> places;
  for (int i = 0; i < schema.num_fields(); ++i)
    if (!left_out.contains(schema.field(i)->name())) places.push_back(i);
  return places;
}

TableColumns long_columns(const MeasureColumns& measures) {
  const auto& text = arrow::utf8();
  const auto& real = arrow::float32();
  const auto& whole = arrow::int32();
  arrow::FieldVector fields = {
      column("dataset", text),        column("language", text),
      column("sample_id", text),      column("token_index", whole),
      column("role", text),           column("position", whole),
      column("token_id", whole),      column("token_text", text),
      column("layer", arrow::int16())};
  const auto add = [&](const std::vector<const table::Column*>& columns) {
    for (const table::Column* one : columns)
      fields.push_back(column(
          one->name, one->type == table::ColumnType::kFloat ? real : whole));
  };
  add(measures.first);
  fields.push_back(column("top1_id", whole));
  fields.push_back(column("top1_text", text));
  fields.push_back(column("top1_logprob", real));
  add(measures.later);
  const auto all = arrow::schema(fields);
  return {.all = all,
          .csv = places_without(*all, {"dataset", "language"}),
          .parquet = places_without(*all, {})};
}

// CSV has no lists: the entropy's has a column for each layer there.
TableColumns samples_columns(int layers) {
  const auto& text = arrow::utf8();
  const auto& real = arrow::float32();
  const auto& whole = arrow::int32();
  arrow::FieldVector fields = {column("dataset", text),
                               column("sample_id", text),
                               column("source_row", arrow::int64()),
                               column("question_index", whole),
                               column("language", text),
                               column("status", text),
                               column("failure", text),
                               column("verdict", text),
                               column("score", real),
                               column("image_height", whole),
                               column("image_width", whole),
                               column("grid_height", whole),
                               column("grid_width", whole),
                               column("image_tokens", whole),
                               column("prompt_tokens", whole),
                               column("answer_tokens", whole),
                               column("prompt", text),
                               column("reference", text),
                               column("answer", text)};
  std::set<std::string_view> lists, by_layer;
  for (const char* const name :
       {"entropy_mean", "kl_final_mean", "target_logprob_mean", "log_rank_mean",
        "agreement_mean"}) {
    fields.push_back(arrow::field(name, arrow::list(real)));
    lists.insert(name);
  }
  for (int layer = 0; layer < layers; ++layer) {
    fields.push_back(column("entropy_mean_" + std::to_string(layer), real));
    by_layer.insert(fields.back()->name());
  }
  const auto all = arrow::schema(fields);
  lists.insert({"dataset", "verdict"});
  return {.all = all,
          .csv = places_without(*all, lists),
          .parquet = places_without(*all, by_layer)};
}

// Sums by layer; samples without an answer token enter nothing.
struct GroupSums {
  std::int64_t samples = 0;
  std::int64_t tokens = 0;
  std::vector<double> entropy, kl_final, log_rank, agreement;  // [layer]
};

void add(const std::vector<float>& values, std::vector<double>& sums) {
  sums.resize(values.size());
  for (std::size_t l = 0; l < values.size(); ++l) sums[l] += values[l];
}

void add(const metrics::SampleRow& row, GroupSums& sums) {
  ++sums.samples;
  sums.tokens += row.tokens;
  add(row.entropy, sums.entropy);
  add(row.kl_final, sums.kl_final);
  add(row.log_rank, sums.log_rank);
  add(row.agreement, sums.agreement);
}

void write_group(Rows& rows, const Population& population, int layers,
                 const GroupSums& sums) {
  const auto count = static_cast<double>(sums.samples);
  for (int layer = 0; layer < layers; ++layer) {
    const auto l = static_cast<std::size_t>(layer);
    rows.text(population.dataset)
        .text(key_of(population.by))
        .text(population.value)
        .whole(layer)
        .large(sums.samples)
        .large(sums.tokens)
        .real(sums.entropy[l] / count)
        .real(sums.kl_final[l] / count)
        .real(sums.log_rank[l] / count)
        .real(sums.agreement[l] / count);
  }
}

}  // namespace

LongTable::LongTable(MeasureColumns measures)
    : measures_(std::move(measures)),
      columns_(long_columns(measures_)),
      rows_(columns_.all) {}

std::shared_ptr<arrow::RecordBatch> LongTable::rows(
    const SampleBlock& block, const std::vector<std::string>& token_text) {
  const auto text = [&](std::int32_t id) -> const std::string& {
    return token_text[static_cast<std::size_t>(id)];
  };
  const table::TokenRows& tokens = block.tokens;
  const auto add = [&](const std::vector<const table::Column*>& columns,
                       std::size_t cell) {
    for (const table::Column* column : columns)
      with_value(tokens, *column, cell,
                 [&](auto value) { rows_.number(value); });
  };
  for (std::size_t s = 0; s < block.samples.size(); ++s) {
    const std::int64_t first = block.token_offset[s];
    for (std::int64_t t = first; t < block.token_offset[s + 1]; ++t) {
      const auto token = static_cast<std::size_t>(t);
      const std::int32_t id = tokens.get<"token_id">()[token];
      for (int layer = 0; layer < block.layers(); ++layer) {
        const std::size_t cell = block.cell(t, layer);
        rows_.text(block.dataset)
            .text(block.samples[s].language)
            .text(block.samples[s].sample_id)
            .whole(static_cast<std::int32_t>(t - first))
            .text(role_name(tokens.get<"token_role">()[token]))
            .whole(tokens.get<"token_position">()[token])
            .whole(id)
            .text(text(id))
            .small(layer);
        add(measures_.first, cell);
        rows_.whole(block.top1_id(t, layer))
            .text(text(block.top1_id(t, layer)))
            .real(block.top1_logprob(t, layer));
        add(measures_.later, cell);
      }
    }
  }
  return rows_.take();
}

SamplesTable::SamplesTable(const metrics::SampleTable& table)
    : table_(table),
      columns_(samples_columns(table.layers)),
      rows_(columns_.all) {}

std::shared_ptr<arrow::RecordBatch> SamplesTable::rows(
    const SampleBlock& block) {
  for (std::size_t s = 0; s < block.samples.size(); ++s) {
    const storage::SampleRecord& sample = block.samples[s];
    const metrics::SampleRow& means =
        table_.rows.at(static_cast<std::size_t>(block.first_sample) + s);
    const bool ok = sample.status == storage::SampleStatus::kOk;
    const bool has_mean = ok && means.tokens > 0;
    rows_.text(block.dataset)
        .text(sample.sample_id)
        .large(sample.source_row)
        .whole(sample.question_index)
        .text(sample.language)
        .text(ok ? "ok" : "failed")
        .text(sample.failure)
        .text(metrics::verdict_name(means.verdict))
        .real(sample.score)
        .whole(sample.image_height)
        .whole(sample.image_width)
        .whole(sample.grid_height)
        .whole(sample.grid_width)
        .whole(sample.image_tokens)
        .whole(sample.prompt_tokens)
        .whole(sample.answer_tokens)
        .text(sample.prompt)
        .text(sample.reference)
        .text(sample.answer)
        .list(has_mean ? sample.entropy_mean : std::vector<float>{})
        .list(means.kl_final)
        .list(means.target_logprob)
        .list(means.log_rank)
        .list(means.agreement);
    for (const float value : sample.entropy_mean) rows_.real(value);
  }
  return rows_.take();
}

void write_means(const std::filesystem::path& path,
                 const metrics::SampleTable& table) {
  // By kind of group, then by value.
  std::map<Population, GroupSums> groups;
  for (const metrics::SampleRow& row : table.rows) {
    if (!row.ok || row.tokens == 0) continue;
    Population population = table.population;
    add(row, groups[population]);
    for (const GroupBy by : {GroupBy::kLanguage, GroupBy::kVerdict}) {
      population.by = by;
      population.value = metrics::group_value(row, by);
      if (!population.value.empty()) add(row, groups[population]);
    }
  }
  arrow::FieldVector fields = {
      column("dataset", arrow::utf8()),  column("group_by", arrow::utf8()),
      column("group", arrow::utf8()),    column("layer", arrow::int32()),
      column("samples", arrow::int64()), column("tokens", arrow::int64())};
  for (const char* const name :
       {"entropy", "kl_final", "log_rank", "agreement"})
    fields.push_back(column(name, arrow::float64()));
  Rows rows(arrow::schema(fields));
  for (const auto& [population, sums] : groups)
    write_group(rows, population, table.layers, sums);
  write_csv(path, *rows.take());
}

void write_vocabulary_csv(const std::filesystem::path& path,
                          const storage::Vocabulary& vocabulary) {
  Rows rows(arrow::schema({column("id", arrow::int64()),
                           column("text", arrow::utf8()),
                           column("script", arrow::utf8())}));
  for (std::size_t id = 0; id < vocabulary.token_text.size(); ++id)
    rows.large(static_cast<std::int64_t>(id))
        .text(vocabulary.token_text[id])
        .text(vocabulary.script_names.at(vocabulary.token_script[id]));
  write_csv(path, *rows.take());
}

}  // namespace lens::analysis::tables
