#include "cli/analysis_commands.h"

#include <filesystem>

#include "cli/standard_output.h"

namespace lens::cli {
namespace {

void add_source(CLI::App* command, std::filesystem::path& source) {
  command->add_option("PATH", source, "RUN_DIR or a results.h5")->required();
}

void add_report(CLI::App& app, ReportOptions& options) {
  CLI::App* command = app.add_subcommand(
      "report", "One HTML file: answers, figures, statistics, samples");
  add_source(command, options.path);
  command
      ->add_option("-o,--output", options.output,
                   "The file (default: report.html beside the results)")
      ->type_name("FILE");
  command
      ->add_option("--figures", options.figures,
                   "Also write each figure as SVG with its data as CSV here")
      ->type_name("DIR");
  command
      ->add_option("--samples", options.samples,
                   "Samples shown token by token (default 40)")
      ->type_name("N");
  command
      ->add_option("--max-megabytes", options.most_megabytes,
                   "Size of the file; fewer samples are shown to keep it "
                   "(default 5)")
      ->check(CLI::PositiveNumber)
      ->type_name("X");
  add_study_flags(*command, options.study);
  command->footer(
      "Examples:\n"
      "  lens report runs/mtvqa -o report.html\n"
      "  lens report runs/mtvqa --samples 100 --figures figures/");
}

void add_stats(CLI::App& app, StatsOptions& options) {
  CLI::App* command = app.add_subcommand(
      "stats", "The study's questions answered, with intervals and tests");
  add_source(command, options.path);
  command
      ->add_option("--json", options.json,
                   "Write all numbers, in full precision (-: to standard "
                   "output, and no text)")
      ->type_name("FILE");
  command
      ->add_option("--language", options.language,
                   "Only samples of these languages (default: all)")
      ->type_name("CODE ...");
  add_study_flags(*command, options.study);
  command->footer(
      "Examples:\n"
      "  lens stats runs/mtvqa\n"
      "  lens stats runs/mtvqa --language RU AR --permutations 99999\n"
      "  lens stats runs/mtvqa --json - | jq .tests");
}

void add_export(CLI::App& app, ExportOptions& options) {
  CLI::App* command = app.add_subcommand(
      "export", "Tables of the results as CSV, as Parquet, or both");
  add_source(command, options.source);
  command->add_option("--csv", options.csv, "Write CSV files into this folder")
      ->type_name("DIR");
  command
      ->add_option("--parquet", options.parquet,
                   "Write Parquet files into this folder")
      ->type_name("DIR");
  command
      ->add_option("--dataset", options.datasets,
                   "Only these data sets (default: all)")
      ->type_name("NAME ...");
  command->add_flag("!--no-samples", options.samples,
                    "Without the two CSV files of each sample");
  command->add_flag("!--no-long", options.long_table,
                    "Without the table of all tokens and layers");
  command->footer(
      "Examples:\n"
      "  lens export runs/mtvqa --csv tables\n"
      "  lens export runs/mtvqa --parquet tables --dataset mtvqa");
}

void add_show(CLI::App& app, ShowOptions& options) {
  CLI::App* command =
      app.add_subcommand("show", "The heat map of one sample, in the terminal");
  add_source(command, options.source);
  command
      ->add_option("SAMPLE", options.sample,
                   "sample_id, or data set and sample_id: mtvqa/12.0")
      ->required();
  command->add_option("--dataset", options.dataset, "Where to look for it")
      ->type_name("NAME");
  command
      ->add_option("--value", options.value,
                   "What the colour is: entropy (default) or probability")
      ->type_name("NAME");
  command
      ->add_option("--layers", options.layers,
                   "Layers shown: 0,4,8..28, or all (default)")
      ->type_name("LIST");
  command->add_flag("--no-color", options.no_color, "Text alone");
  command
      ->add_option("--width", options.width,
                   "Columns to use (default: the terminal's)")
      ->type_name("N");
  command->footer(
      "Examples:\n"
      "  lens show runs/mtvqa 12.0\n"
      "  lens show runs/both latex_ocr/3 --value probability");
}

void add_query(CLI::App& app, QueryOptions& options) {
  CLI::App* command =
      app.add_subcommand("query", "Lists the samples that a condition selects");
  add_source(command, options.source);
  command
      ->add_option("CONDITION", options.query,
                   "For example 'entropy@21 < 1 and language = RU and wrong'")
      ->required();
  command->add_option("--sort", options.sort, "Order by this field")
      ->type_name("FIELD");
  command->add_flag("--descending", options.descending,
                    "The largest value first");
  command->add_option("--limit", options.limit, "At most so many (0: all)")
      ->type_name("N");
  command->add_flag("--json", options.json, "One JSON object a line");
  command->add_flag("--csv", options.csv, "CSV");
  command->footer(
      "Fields: entropy@L kl@L rank@L agreement@L logprob@L (L: a layer, -1 "
      "the\n"
      "last), onset depth first_hit score language dataset status failure\n"
      "image_tokens answer_tokens prompt_tokens image_height image_width "
      "answer\n"
      "reference prompt. Words: right wrong ok failed. Operators: < <= > >= = "
      "!= "
      "~\n(contains), and or not ( ).\n\n"
      "Examples:\n"
      "  lens query runs/mtvqa 'entropy@21 < 1 and language = RU and wrong'\n"
      "  lens query runs/mtvqa 'right and onset > 20' --sort onset --limit 10");
}

}  // namespace

void add_analysis_commands(CLI::App& app, AnalysisArguments& arguments) {
  add_report(app, arguments.report);
  add_stats(app, arguments.stats);
  add_export(app, arguments.exports);
  add_show(app, arguments.show);
  add_query(app, arguments.query);
}

std::optional<int> run_analysis_command(const std::string& command,
                                        const AnalysisArguments& arguments,
                                        const std::string& command_line,
                                        std::ostream& out) {
  if (command == "report") {
    ReportOptions options = arguments.report;
    options.command_line = command_line;
    return report_command(options, out);
  }
  if (command == "stats") {
    StatsOptions options = arguments.stats;
    options.progress = errors_on_terminal();
    return stats_command(options, out);
  }
  if (command == "export") return export_command(arguments.exports, out);
  if (command == "show") return show_command(arguments.show, out);
  if (command == "query") return query_command(arguments.query, out);
  return std::nullopt;
}

const std::filesystem::path* results_read_by(
    const std::string& command, const AnalysisArguments& arguments) {
  if (command == "report") return &arguments.report.path;
  if (command == "stats") return &arguments.stats.path;
  if (command == "export") return &arguments.exports.source;
  if (command == "show") return &arguments.show.source;
  if (command == "query") return &arguments.query.source;
  return nullptr;
}

}  // namespace lens::cli
