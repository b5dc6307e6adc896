#include "cli/stats_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <span>

#include "analysis/metrics/run_tables.h"
#include "analysis/source.h"
#include "analysis/statistics/make_study.h"
#include "analysis/statistics/study.h"
#include "analysis/statistics/study_json.h"
#include "analysis/statistics/study_text.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/exit_code.h"
#include "cli/standard_output.h"

namespace lens::cli {
namespace {

using analysis::metrics::SampleRow;
using analysis::metrics::SampleTable;

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

}  // namespace

int stats_command(const StatsOptions& options, std::ostream& out) {
  analysis::statistics::StudyOptions study_how = study_options(options.study);
  study_how.progress = [&](std::string_view what) { tell(options, what); };
  const analysis::Source source = analysis::open_source(options.path);
  std::vector<SampleTable> tables = analysis::metrics::read_tables(
      std::span(&source, 1),
      {.onset = study_how.onset, .right_score = options.study.right_score},
      study_how.progress);
  if (!options.language.empty()) keep_languages(options.language, tables);
  const analysis::statistics::Study study =
      analysis::statistics::make_study(tables, study_how);
  tell(options, "");
  if (options.json == "-") {
    for (const std::string& note : source.notes)
      std::cerr << "Note: " << note << '\n';
    out << analysis::statistics::study_json(study);
    return kExitOk;
  }
  if (!options.json.empty())
    write_file_durably(options.json, study_json(study));
  for (const std::string& note : source.notes) out << "Note: " << note << '\n';
  if (!source.notes.empty()) out << '\n';
  out << analysis::statistics::study_text(study);
  return kExitOk;
}

namespace {

class StatsCommand : public Command {
 public:
  CLI::App* add_to(CLI::App& program) override {
    CLI::App* command = program.add_subcommand(
        "stats", "The study's questions answered, with intervals and tests");
    add_source(*command, options_.path);
    command
        ->add_option("--json", options_.json,
                     "Write all numbers, in full precision (-: to standard "
                     "output, and no text)")
        ->type_name("FILE");
    command
        ->add_option("--language", options_.language,
                     "Only samples of these languages (default: all)")
        ->type_name("CODE ...");
    add_study_flags(*command, options_.study);
    command->footer(
        "Examples:\n"
        "  lens stats runs/mtvqa\n"
        "  lens stats runs/mtvqa --language RU AR --permutations 99999\n"
        "  lens stats runs/mtvqa --json - | jq .tests");
    return command;
  }
  int run(const std::string& /*line*/, std::ostream& out) const override {
    StatsOptions options = options_;
    options.progress = errors_on_terminal();
    return stats_command(options, out);
  }
  const std::filesystem::path* results() const override {
    return &options_.path;
  }

 private:
  StatsOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_stats_command() {
  return std::make_unique<StatsCommand>();
}

}  // namespace lens::cli
