#include "analysis/export/tables.h"

#include <map>
#include <utility>

#include "analysis/metrics/sample_group.h"

namespace lens::analysis::tables {
namespace {

void header(CsvFile& file, const std::vector<std::string>& names) {
  for (const std::string& name : names) file.records().text(name);
  file.end_record();
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

void write_group(CsvFile& file, const Population& population, int layers,
                 const GroupSums& sums) {
  const auto count = static_cast<double>(sums.samples);
  for (int layer = 0; layer < layers; ++layer) {
    const auto l = static_cast<std::size_t>(layer);
    file.records()
        .text(population.dataset)
        .text(key_of(population.by))
        .text(population.value)
        .number(layer)
        .number(sums.samples)
        .number(sums.tokens)
        .number(sums.entropy[l] / count)
        .number(sums.kl_final[l] / count)
        .number(sums.log_rank[l] / count)
        .number(sums.agreement[l] / count);
    file.end_record();
  }
}

}  // namespace

LongTable::LongTable(std::filesystem::path file, MeasureColumns measures)
    : file_(std::move(file)), measures_(std::move(measures)) {
  std::vector<std::string> names = {"sample_id", "token_index", "role",
                                    "position",  "token_id",    "token_text",
                                    "layer"};
  const auto add = [&](const std::vector<const table::Column*>& columns) {
    for (const table::Column* column : columns)
      names.emplace_back(column->name);
  };
  add(measures_.first);
  names.insert(names.end(), {"top1_id", "top1_text", "top1_logprob"});
  add(measures_.later);
  header(file_, names);
}

void LongTable::append(const SampleBlock& block,
                       const std::vector<std::string>& token_text) {
  const auto text = [&](std::int32_t id) -> const std::string& {
    return token_text[static_cast<std::size_t>(id)];
  };
  const table::TokenRows& tokens = block.tokens;
  const auto add = [&](const std::vector<const table::Column*>& columns,
                       std::size_t cell) {
    for (const table::Column* column : columns)
      with_value(tokens, *column, cell,
                 [&](auto value) { file_.records().number(value); });
  };
  for (std::size_t s = 0; s < block.samples.size(); ++s) {
    const std::int64_t first = block.token_offset[s];
    for (std::int64_t t = first; t < block.token_offset[s + 1]; ++t) {
      const auto row = static_cast<std::size_t>(t);
      const std::int32_t id = tokens.get<"token_id">()[row];
      for (int layer = 0; layer < block.layers(); ++layer) {
        const std::size_t cell = block.cell(t, layer);
        file_.records()
            .text(block.samples[s].sample_id)
            .number(t - first)
            .text(role_name(tokens.get<"token_role">()[row]))
            .number(tokens.get<"token_position">()[row])
            .number(id)
            .text(text(id))
            .number(layer);
        add(measures_.first, cell);
        file_.records()
            .number(block.top1_id(t, layer))
            .text(text(block.top1_id(t, layer)))
            .number(block.top1_logprob(t, layer));
        add(measures_.later, cell);
        file_.end_record();
      }
    }
  }
}

SamplesCsv::SamplesCsv(std::filesystem::path file, int layers)
    : file_(std::move(file)) {
  std::vector<std::string> names = {
      "sample_id",     "source_row",    "question_index", "language",
      "status",        "failure",       "score",          "image_height",
      "image_width",   "grid_height",   "grid_width",     "image_tokens",
      "prompt_tokens", "answer_tokens", "prompt",         "reference",
      "answer"};
  for (int layer = 0; layer < layers; ++layer)
    names.push_back("entropy_mean_" + std::to_string(layer));
  header(file_, names);
}

void SamplesCsv::append(const SampleBlock& block) {
  for (const storage::SampleRecord& sample : block.samples) {
    const bool ok = sample.status == storage::SampleStatus::kOk;
    file_.records()
        .text(sample.sample_id)
        .number(sample.source_row)
        .number(sample.question_index)
        .text(sample.language)
        .text(ok ? "ok" : "failed")
        .text(sample.failure)
        .number(sample.score)
        .number(sample.image_height)
        .number(sample.image_width)
        .number(sample.grid_height)
        .number(sample.grid_width)
        .number(sample.image_tokens)
        .number(sample.prompt_tokens)
        .number(sample.answer_tokens)
        .text(sample.prompt)
        .text(sample.reference)
        .text(sample.answer);
    for (const float value : sample.entropy_mean) file_.records().number(value);
    file_.end_record();
  }
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
  CsvFile file(path);
  header(file, {"dataset", "group_by", "group", "layer", "samples", "tokens",
                "entropy", "kl_final", "log_rank", "agreement"});
  for (const auto& [population, sums] : groups)
    write_group(file, population, table.layers, sums);
  file.commit();
}

void write_vocabulary_csv(const std::filesystem::path& path,
                          const storage::Vocabulary& vocabulary) {
  CsvFile file(path);
  header(file, {"id", "text", "script"});
  for (std::size_t id = 0; id < vocabulary.token_text.size(); ++id) {
    file.records()
        .number(static_cast<std::int64_t>(id))
        .text(vocabulary.token_text[id])
        .text(vocabulary.script_names.at(vocabulary.token_script[id]));
    file.end_record();
  }
  file.commit();
}

}  // namespace lens::analysis::tables
