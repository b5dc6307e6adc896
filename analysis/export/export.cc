#include "analysis/export/export.h"

#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <fstream>
#include <memory>
#include <optional>

#include "analysis/export/csv.h"
#include "analysis/export/measures.h"
#include "analysis/export/parquet.h"
#include "analysis/export/sample_files.h"
#include "analysis/export/table_file.h"
#include "analysis/export/tables.h"
#include "base/error.h"

namespace lens::analysis::tables {
namespace {

namespace fs = std::filesystem;
using storage::DatasetSummary;

constexpr const char* kNotes = "NOTES.txt";

std::string first_line(const storage::ResultsInfo& info) {
  return "Tables of run " + info.run_id;
}

// What is in the folder, and what is not.
std::string notes_text(const Source& source) {
  const storage::ResultsInfo& info = source.results.info();
  std::string text = first_line(info) + "\n";
  text += fmt::format("Model: {} ({}), {}, on {}\n", info.model_name,
                      info.model_sha256, info.dtype, info.device_names);
  text += fmt::format("Written by Lens {} {}\n", info.software_version,
                      info.git_commit);
  text += fmt::format("Samples: {} of {}, {} of them failed\n",
                      info.samples_ok + info.samples_failed, info.samples_total,
                      info.samples_failed);
  for (const std::string& note : source.notes) text += note + "\n";
  return text;
}

// Invariant: a folder holds the tables of one run. Files of samples that only
// the other run has would stay and be taken for this one's.
void check_folder(const fs::path& folder, const storage::ResultsInfo& info) {
  std::ifstream notes(folder / kNotes);
  std::string line;
  if (!std::getline(notes, line) || line == first_line(info)) return;
  if (!line.starts_with("Tables of run ")) return;
  throw InputError("cannot export to " + folder.string(),
                   "it holds the tables of another run",
                   "choose another folder, or delete that one");
}

void write_notes(const fs::path& folder, const Source& source) {
  TableFile file(folder / kNotes);
  file.append(notes_text(source));
  file.commit();
}

std::vector<DatasetSummary> chosen(const Source& source,
                                   const std::vector<std::string>& names) {
  if (names.empty()) return source.results.datasets();
  std::vector<DatasetSummary> summaries;
  for (const std::string& name : names) {
    std::string present;
    const DatasetSummary* found = nullptr;
    for (const DatasetSummary& summary : source.results.datasets()) {
      present += (present.empty() ? "" : ", ") + summary.name;
      if (summary.name == name) found = &summary;
    }
    if (found == nullptr)
      throw InputError("no data set " + name + " in " + source.file.string(),
                       "it has " + (present.empty() ? "none" : present),
                       "give one of these");
    summaries.push_back(*found);
  }
  return summaries;
}

ParquetMetadata metadata_of(const Source& source,
                            const DatasetSummary& dataset) {
  const storage::ResultsInfo& info = source.results.info();
  ParquetMetadata metadata = {{"lens.run_id", info.run_id},
                              {"lens.dataset", dataset.name},
                              {"lens.content_sha256", dataset.content_sha256},
                              {"lens.complete", info.complete ? "1" : "0"},
                              {"lens.model_name", info.model_name},
                              {"lens.model_sha256", info.model_sha256},
                              {"lens.tokenizer_sha256", info.tokenizer_sha256},
                              {"lens.dtype", info.dtype},
                              {"lens.device_names", info.device_names},
                              {"lens.config_json", info.config_json},
                              {"lens.software_version", info.software_version},
                              {"lens.git_commit", info.git_commit}};
  for (const std::string& note : source.notes)
    metadata.emplace_back("lens.note", note);
  return metadata;
}

// The forms of one table that were asked for, each with its columns of the same
// batches.
class TableForms {
 public:
  explicit TableForms(const TableColumns& columns) : columns_(columns) {}

  void add_csv(const fs::path& file) {
    csv_.emplace(file, chosen(columns_.csv));
  }
  void add_parquet(const fs::path& file, const ParquetMetadata& metadata) {
    parquet_.emplace(file, chosen(columns_.parquet), metadata);
  }

  void write(const arrow::RecordBatch& batch) {
    if (csv_) csv_->write(*chosen(batch, columns_.csv));
    if (parquet_) parquet_->write(*chosen(batch, columns_.parquet));
  }
  void commit() {
    if (csv_) csv_->commit();
    if (parquet_) parquet_->commit();
  }

 private:
  std::shared_ptr<arrow::Schema> chosen(const std::vector<int>& places) const {
    arrow::FieldVector fields;
    for (const int place : places) fields.push_back(columns_.all->field(place));
    return arrow::schema(fields);
  }
  static std::shared_ptr<arrow::RecordBatch> chosen(
      const arrow::RecordBatch& batch, const std::vector<int>& places) {
    return batch.SelectColumns(places).ValueOrDie();
  }

  const TableColumns columns_;
  std::optional<CsvFile> csv_;
  std::optional<ParquetFile> parquet_;
};

// The tables of one data set, filled block by block.
class DatasetTables {
 public:
  DatasetTables(const Source& source, const DatasetSummary& dataset,
                const ExportOptions& options, ExportSummary& summary)
      : source_(source),
        options_(options),
        summary_(summary),
        total_(dataset.samples),
        csv_(options.csv / dataset.name),
        table_(metrics::read_sample_table(source.results, dataset.name)),
        samples_(table_),
        sample_forms_(samples_.columns()) {
    if (options.long_table) {
      long_.emplace(measures_of(source.results, dataset.name));
      long_forms_.emplace(long_->columns());
    }
    if (!options.csv.empty()) {
      sample_forms_.add_csv(csv_ / "samples.csv");
      if (long_) long_forms_->add_csv(csv_ / "long.csv");
    }
    if (!options.parquet.empty()) {
      const ParquetMetadata metadata = metadata_of(source, dataset);
      const fs::path parquet = options.parquet / dataset.name;
      sample_forms_.add_parquet(parquet / "samples.parquet", metadata);
      if (long_) long_forms_->add_parquet(parquet / "long.parquet", metadata);
    }
  }

  void append(const SampleBlock& block) {
    sample_forms_.write(*samples_.rows(block));
    if (long_)
      long_forms_->write(*long_->rows(block, source_.vocabulary.token_text));
    if (!options_.csv.empty() && options_.sample_files) write_files(block);
    count(block);
  }

  void commit() {
    if (!options_.csv.empty()) write_means(csv_ / "means.csv", table_);
    sample_forms_.commit();
    if (long_) long_forms_->commit();
  }

 private:
  void write_files(const SampleBlock& block) {
    for (std::size_t s = 0; s < block.samples.size(); ++s) {
      if (block.samples[s].status != storage::SampleStatus::kOk) continue;
      write_sample_files(csv_ / "samples", block, s,
                         source_.vocabulary.token_text);
      summary_.sample_files += 2;
    }
  }

  void count(const SampleBlock& block) {
    for (const storage::SampleRecord& sample : block.samples) {
      ++summary_.samples;
      if (sample.status != storage::SampleStatus::kOk)
        ++summary_.samples_failed;
    }
    if (options_.long_table)
      summary_.long_records += block.token_offset.back() * block.layers();
    if (options_.progress)
      options_.progress(
          block.dataset,
          block.first_sample + static_cast<std::int64_t>(block.samples.size()),
          total_);
  }

  const Source& source_;
  const ExportOptions& options_;
  ExportSummary& summary_;
  std::int64_t total_;
  fs::path csv_;
  metrics::SampleTable table_;
  SamplesTable samples_;
  TableForms sample_forms_;
  std::optional<LongTable> long_;
  std::optional<TableForms> long_forms_;
};

}  // namespace

ExportSummary export_tables(const Source& source,
                            const ExportOptions& options) {
  if (options.csv.empty() && options.parquet.empty())
    throw InputError("nothing to export", "no folder is named",
                     "give --csv DIR, --parquet DIR or both");
  const std::vector<DatasetSummary> datasets = chosen(source, options.datasets);
  for (const fs::path& folder : {options.csv, options.parquet})
    if (!folder.empty()) check_folder(folder, source.results.info());
  ExportSummary summary;
  // First: an export that is cut short is known by its run.
  for (const fs::path& folder : {options.csv, options.parquet})
    if (!folder.empty()) write_notes(folder, source);
  if (!options.csv.empty())
    write_vocabulary_csv(options.csv / "vocabulary.csv", source.vocabulary);
  for (const DatasetSummary& dataset : datasets) {
    DatasetTables tables(source, dataset, options, summary);
    for_each_block(source.results, dataset.name,
                   source.vocabulary.token_text.size(),
                   [&](const SampleBlock& block) { tables.append(block); });
    tables.commit();
  }
  return summary;
}

}  // namespace lens::analysis::tables
