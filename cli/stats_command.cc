#include "cli/stats_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>

#include "analysis/source.h"
#include "analysis/statistics/study.h"
#include "analysis/statistics/study_text.h"
#include "cli/exit_code.h"
#include "worker/error.h"

namespace lens::cli {
namespace {

using analysis::SampleRow;
using analysis::SampleTable;

void require(bool holds, const std::string& flag, const std::string& wanted) {
  if (!holds)
    throw InputError("cannot use " + flag, "it must be " + wanted,
                     "give another value");
}

void check(const StatsOptions& options) {
  require(options.resamples >= 100, "--resamples", "at least 100");
  require(options.permutations >= 99, "--permutations", "at least 99");
  require(options.onset_fraction > 0 && options.onset_fraction < 1,
          "--onset-fraction", "between 0 and 1");
  require(options.onset_range >= 0, "--onset-range", "0 nats or more");
}

void tell(const StatsOptions& options, std::string_view what) {
  if (options.progress) std::cerr << "\r\x1b[K" << what << std::flush;
}

// Data sets without languages are not filtered.
void keep_languages(const std::vector<std::string>& languages,
                    std::vector<SampleTable>& tables) {
  bool any = false;
  for (SampleTable& table : tables) {
    std::erase_if(table.rows, [&](const SampleRow& row) {
      const bool kept = std::find(languages.begin(), languages.end(),
                                  row.language) != languages.end();
      any = any || kept;
      return !kept && !row.language.empty();
    });
  }
  if (!any)
    throw InputError("no sample has the language of --language",
                     "languages are written as in the data set, RU for one",
                     "look at the column language of the results");
}

std::vector<SampleTable> read_tables(const analysis::Source& source,
                                     const StatsOptions& options) {
  const analysis::SampleTableOptions how = {
      .onset = {.fraction = options.onset_fraction,
                .least_range_nats = options.onset_range},
      .right_score = options.right_score};
  std::vector<SampleTable> tables;
  for (const storage::DatasetSummary& dataset : source.results.datasets()) {
    tell(options, "reading " + dataset.name);
    tables.push_back(
        analysis::read_sample_table(source.results, dataset.name, how));
  }
  if (!options.language.empty()) keep_languages(options.language, tables);
  return tables;
}

void write_file(const std::filesystem::path& file, const std::string& text) {
  std::ofstream stream(file, std::ios::binary | std::ios::trunc);
  stream << text << std::flush;
  if (!stream)
    throw InputError("cannot write " + file.string(),
                     "no such folder, no rights or no space",
                     "give another file to --json");
}

}  // namespace

int stats_command(const StatsOptions& options, std::ostream& out) {
  check(options);
  const analysis::Source source = analysis::open_source(options.path);
  const std::vector<SampleTable> tables = read_tables(source, options);
  const analysis::Study study = analysis::make_study(
      tables,
      {.onset = {.fraction = options.onset_fraction,
                 .least_range_nats = options.onset_range},
       .bootstrap_resamples = options.resamples,
       .permutations = options.permutations,
       .seed = options.seed,
       .progress = [&](std::string_view what) { tell(options, what); }});
  tell(options, "");
  if (options.json == "-") {
    out << analysis::study_json(study);
    return kExitOk;
  }
  if (!options.json.empty()) write_file(options.json, study_json(study));
  for (const std::string& note : source.notes) out << "Note: " << note << '\n';
  if (!source.notes.empty()) out << '\n';
  out << analysis::study_text(study);
  return kExitOk;
}

}  // namespace lens::cli
