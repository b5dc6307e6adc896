#include "cli/report_command.h"

#include <fmt/format.h>

#include <iostream>

#include "analysis/report/report.h"
#include "base/durable.h"
#include "base/exit_code.h"
#include "cli/standard_output.h"
#include "cli/version.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;

// One line on a terminal that says what is done now.
class ReportProgress {
 public:
  ~ReportProgress() {
    if (terminal_ && told_) std::cerr << "\r\x1b[K" << std::flush;
  }
  void operator()(std::string_view what) {
    if (!terminal_) return;
    told_ = true;
    std::cerr << "\r\x1b[Kreport: " << what << std::flush;
  }

 private:
  bool terminal_ = errors_on_terminal();
  bool told_ = false;
};

analysis::report::ReportOptions analysis_options(const ReportOptions& options) {
  analysis::report::ReportOptions to;
  to.samples = options.samples;
  to.most_bytes = static_cast<std::size_t>(options.most_megabytes * 1e6);
  to.right_score = options.study.right_score;
  to.study = study_options(options.study);
  to.command_line = options.command_line;
  to.software_version = version_line();
  return to;
}

void write_figures(const analysis::report::Report& report,
                   const fs::path& folder, std::ostream& out) {
  for (const analysis::report::ReportFigure& figure : report.figures) {
    write_file_durably(folder / (figure.id + ".svg"), figure.svg);
    write_file_durably(folder / (figure.id + ".csv"), figure.csv);
  }
  write_file_durably(folder / "study.json", report.study_json);
  out << fmt::format("{}: {} figures with their CSV, study.json\n",
                     folder.string(), report.figures.size());
}

}  // namespace

int report_command(const ReportOptions& options, std::ostream& out) {
  analysis::report::ReportOptions to = analysis_options(options);
  const analysis::Source source = analysis::open_source(options.path);
  const fs::path output = options.output.empty()
                              ? source.file.parent_path() / "report.html"
                              : options.output;
  analysis::report::Report report;
  {
    ReportProgress progress;
    to.progress = [&progress](std::string_view what) { progress(what); };
    report = analysis::report::make_report(source, to);
  }
  write_file_durably(output, report.html);
  for (const std::string& note : source.notes) out << note << '\n';
  for (const std::string& note : report.notes) out << note << '\n';
  if (!options.figures.empty()) write_figures(report, options.figures, out);
  out << fmt::format(
      "{}: {} of {} samples token by token, {} in the list, {:.2f} MB\n",
      output.string(), report.samples_shown, report.samples,
      report.samples_listed, 1e-6 * static_cast<double>(report.html.size()));
  return kExitOk;
}

namespace {

class ReportCommand : public Command {
 public:
  CLI::App* add_to(CLI::App& program) override {
    CLI::App* command = program.add_subcommand(
        "report", "One HTML file: answers, figures, statistics, samples");
    add_source(*command, options_.path);
    command
        ->add_option("-o,--output", options_.output,
                     "The file (default: report.html beside the results)")
        ->type_name("FILE");
    command
        ->add_option("--figures", options_.figures,
                     "Also write each figure as SVG with its data as CSV here")
        ->type_name("DIR");
    command
        ->add_option("--samples", options_.samples,
                     "Samples shown token by token (default 40)")
        ->type_name("N");
    command
        ->add_option("--max-megabytes", options_.most_megabytes,
                     "Size of the file; fewer samples are shown to keep it "
                     "(default 5)")
        ->check(CLI::PositiveNumber)
        ->type_name("X");
    add_study_flags(*command, options_.study);
    command->footer(
        "Examples:\n"
        "  lens report runs/mtvqa -o report.html\n"
        "  lens report runs/mtvqa --samples 100 --figures figures/");
    return command;
  }
  int run(const std::string& line, std::ostream& out) const override {
    ReportOptions options = options_;
    options.command_line = line;
    return report_command(options, out);
  }
  const std::filesystem::path* results() const override {
    return &options_.path;
  }

 private:
  ReportOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_report_command() {
  return std::make_unique<ReportCommand>();
}

}  // namespace lens::cli
