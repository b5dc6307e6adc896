#include "cli/export_command.h"

#include <fmt/format.h>

#include <chrono>
#include <iostream>

#include "analysis/export/export.h"
#include "base/exit_code.h"
#include "cli/standard_output.h"
#include "cli/usage_error.h"

namespace lens::cli {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// On a terminal, once an export takes longer than a second.
class ExportProgress {
 public:
  void operator()(std::string_view dataset, std::int64_t done,
                  std::int64_t total) {
    const Clock::time_point now = Clock::now();
    if (!errors_on_terminal() || now - begin_ < 1s) return;
    if (now - last_ < 200ms && done < total) return;
    last_ = now;
    std::cerr << "\r\x1b[K"
              << fmt::format("exporting {}: {}/{} samples", dataset, done,
                             total)
              << (done == total ? "\n" : "") << std::flush;
  }

 private:
  Clock::time_point begin_ = Clock::now();
  Clock::time_point last_;
};

}  // namespace

int export_command(const ExportOptions& options, std::ostream& out) {
  if (options.csv.empty() && options.parquet.empty())
    throw UsageError(
        "nothing to export; give --csv DIR, --parquet DIR or both");
  const analysis::Source source = analysis::open_source(options.source);
  for (const std::string& note : source.notes) out << note << '\n';
  ExportProgress progress;
  const analysis::tables::ExportSummary summary =
      analysis::tables::export_tables(
          source,
          {.csv = options.csv,
           .parquet = options.parquet,
           .datasets = options.datasets,
           .sample_files = options.samples,
           .long_table = options.long_table,
           .progress = [&progress](std::string_view dataset, std::int64_t done,
                                   std::int64_t total) {
             progress(dataset, done, total);
           }});
  for (const auto& folder : {options.csv, options.parquet}) {
    if (folder.empty()) continue;
    out << fmt::format("{}: {} samples ({} failed)", folder.string(),
                       summary.samples, summary.samples_failed);
    if (folder == options.csv && summary.sample_files > 0)
      out << fmt::format(", {} files of samples", summary.sample_files);
    if (options.long_table)
      out << fmt::format(", {} rows of tokens and layers",
                         summary.long_records);
    out << '\n';
  }
  return kExitOk;
}

namespace {

class ExportCommand : public Command {
 public:
  CLI::App* add_to(CLI::App& program) override {
    CLI::App* command = program.add_subcommand(
        "export", "Tables of the results as CSV, as Parquet, or both");
    add_source(*command, options_.source);
    command
        ->add_option("--csv", options_.csv, "Write CSV files into this folder")
        ->type_name("DIR");
    command
        ->add_option("--parquet", options_.parquet,
                     "Write Parquet files into this folder")
        ->type_name("DIR");
    command
        ->add_option("--dataset", options_.datasets,
                     "Only these data sets (default: all)")
        ->type_name("NAME ...");
    command->add_flag("!--no-samples", options_.samples,
                      "Without the two CSV files of each sample");
    command->add_flag("!--no-long", options_.long_table,
                      "Without the table of all tokens and layers");
    command->footer(
        "Examples:\n"
        "  lens export runs/mtvqa --csv tables\n"
        "  lens export runs/mtvqa --parquet tables --dataset mtvqa");
    return command;
  }
  int run(const std::string& /*line*/, std::ostream& out) const override {
    return export_command(options_, out);
  }
  const std::filesystem::path* results() const override {
    return &options_.source;
  }

 private:
  ExportOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_export_command() {
  return std::make_unique<ExportCommand>();
}

}  // namespace lens::cli
