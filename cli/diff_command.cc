#include "cli/diff_command.h"

#include <fmt/format.h>

#include <iostream>

#include "analysis/diff/diff_figures.h"
#include "analysis/diff/diff_json.h"
#include "analysis/diff/diff_page.h"
#include "analysis/diff/diff_text.h"
#include "analysis/diff/run_diff.h"
#include "analysis/source.h"
#include "base/durable.h"
#include "base/exit_code.h"
#include "cli/standard_output.h"
#include "cli/terminal.h"
#include "cli/version.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using analysis::diff::RunDiff;

// What is done now, in one line of a terminal.
class DiffProgress {
 public:
  explicit DiffProgress(bool wanted) : wanted_(wanted) {}
  ~DiffProgress() {
    if (told_) std::cerr << "\r\x1b[K" << std::flush;
  }
  DiffProgress(const DiffProgress&) = delete;
  DiffProgress& operator=(const DiffProgress&) = delete;

  void operator()(std::string_view what) {
    if (!wanted_) return;
    told_ = true;
    std::cerr << "\r\x1b[Kdiff: " << what << std::flush;
  }

 private:
  const bool wanted_;
  bool told_ = false;
};

RunDiff compared(const DiffOptions& options) {
  DiffProgress progress(options.progress);
  analysis::diff::DiffOptions how = {.study = study_options(options.study),
                                     .right_score = options.study.right_score,
                                     .opened = options.samples.value_or(40)};
  how.study.progress = [&progress](std::string_view what) { progress(what); };
  const analysis::Source a = analysis::open_source(options.a);
  const analysis::Source b = analysis::open_source(options.b);
  RunDiff diff = make_diff(a, b, how);
  diff.options.study.progress = {};
  return diff;
}

void write_page(const RunDiff& diff, const DiffOptions& options,
                std::ostream& out) {
  const auto figures = analysis::diff::diff_figures(diff);
  if (!options.figures.empty()) {
    for (const analysis::report::ReportFigure& figure : figures) {
      write_file_durably(options.figures / (figure.id + ".svg"), figure.svg);
      write_file_durably(options.figures / (figure.id + ".csv"), figure.csv);
    }
    out << fmt::format("{}: {} figures with their CSV\n",
                       options.figures.string(), figures.size());
  }
  if (options.output.empty()) return;
  const std::string html =
      analysis::diff::diff_page(diff, figures,
                                {.command_line = options.command_line,
                                 .software_version = version_line()});
  write_file_durably(options.output, html);
  for (const std::string& note : diff.notes) out << note << '\n';
  out << fmt::format("{}: {} answers changed, {:.2f} MB\n",
                     options.output.string(), diff.changed.size(),
                     1e-6 * static_cast<double>(html.size()));
}

}  // namespace

int diff_command(const DiffOptions& options, std::ostream& out) {
  const RunDiff diff = compared(options);
  if (options.json == "-") {
    out << diff_json(diff);
    return kExitOk;
  }
  if (!options.json.empty()) write_file_durably(options.json, diff_json(diff));
  write_page(diff, options, out);
  if (options.output.empty())
    out << diff_text(diff, {.colour = wants_colour(options.no_color),
                            .width = output_width(),
                            .opened = options.samples.value_or(3)});
  return kExitOk;
}

namespace {

class DiffCommand : public Command {
 public:
  CLI::App* add_to(CLI::App& program) override {
    CLI::App* command = program.add_subcommand(
        "diff", "Two runs side by side: what differs, and where answers part");
    command->add_option("RUN_A", options_.a, "RUN_DIR or a results.h5")
        ->required();
    command->add_option("RUN_B", options_.b, "What it is held against")
        ->required();
    command
        ->add_option("-o,--output", options_.output,
                     "Write one HTML file instead of text")
        ->type_name("FILE");
    command
        ->add_option("--json", options_.json,
                     "Write all numbers, in full precision (-: to standard "
                     "output, and no text)")
        ->type_name("FILE");
    command
        ->add_option("--figures", options_.figures,
                     "Also write each figure as SVG with its data as CSV here")
        ->type_name("DIR");
    command
        ->add_option("--samples", options_.samples,
                     "Changed answers opened by layer (default 40, in the "
                     "terminal 3)")
        ->type_name("N");
    command->add_flag("--no-color", options_.no_color, "Text alone");
    add_study_flags(*command, options_.study);
    command->footer(
        "Examples:\n"
        "  lens diff runs/2b runs/2b-blank\n"
        "  lens diff runs/bf16 runs/f32 -o diff.html --json diff.json\n"
        "  lens diff runs/2b runs/7b --json - | jq '.tests[] | "
        "select(.significant)'");
    return command;
  }
  int run(const std::string& line, std::ostream& out) const override {
    DiffOptions options = options_;
    options.command_line = line;
    options.progress = errors_on_terminal();
    return diff_command(options, out);
  }
  const std::filesystem::path* results() const override { return &options_.a; }
  const std::filesystem::path* other_results() const override {
    return &options_.b;
  }

 private:
  DiffOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_diff_command() {
  return std::make_unique<DiffCommand>();
}

}  // namespace lens::cli
