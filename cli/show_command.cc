#include "cli/show_command.h"

#include <algorithm>

#include "analysis/view/layer_list.h"
#include "analysis/view/sample_map.h"
#include "base/exit_code.h"
#include "cli/terminal.h"
#include "cli/usage_error.h"

namespace lens::cli {
namespace {

constexpr int kLeastWidth = 40;

analysis::figures::HeatMap::Scale scale_named(const std::string& name) {
  if (name == "entropy") return analysis::figures::HeatMap::Scale::kEntropy;
  if (name == "probability")
    return analysis::figures::HeatMap::Scale::kProbability;
  throw UsageError("unknown --value " + name + "; give entropy or probability");
}

}  // namespace

int show_command(const ShowOptions& options, std::ostream& out) {
  analysis::view::SampleMapOptions map = {
      .value = scale_named(options.value),
      .layers = {},
      .colour = wants_colour(options.no_color),
      .width = std::max(kLeastWidth,
                        options.width > 0 ? options.width : output_width())};
  // The checksum takes a pass over the whole file, and one sample is read.
  const analysis::Source source =
      analysis::open_source(options.source, analysis::SealCheck::kNone);
  map.layers = analysis::view::parse_layers(
      options.layers, static_cast<int>(source.results.layers()));
  const analysis::view::SampleView view =
      analysis::view::find_sample(source, options.sample, options.dataset);
  out << analysis::view::sample_map(view, source.vocabulary.token_text, map);
  return kExitOk;
}

void add_map_flags(CLI::App& command, ShowOptions& options) {
  command
      .add_option("--value", options.value,
                  "What the colour is: entropy (default) or probability")
      ->type_name("NAME");
  command
      .add_option("--layers", options.layers,
                  "Layers shown: 0,4,8..28, or all (default)")
      ->type_name("LIST");
  command.add_flag("--no-color", options.no_color, "Text alone");
  command
      .add_option("--width", options.width,
                  "Columns to use (default: the terminal's)")
      ->type_name("N");
}

namespace {

class ShowCommand : public Command {
 public:
  CLI::App* add_to(CLI::App& program) override {
    CLI::App* command = program.add_subcommand(
        "show", "The heat map of one sample, in the terminal");
    add_source(*command, options_.source);
    command
        ->add_option("SAMPLE", options_.sample,
                     "sample_id, or data set and sample_id: mtvqa/12.0")
        ->required();
    command->add_option("--dataset", options_.dataset, "Where to look for it")
        ->type_name("NAME");
    add_map_flags(*command, options_);
    command->footer(
        "Examples:\n"
        "  lens show runs/mtvqa 12.0\n"
        "  lens show runs/both latex_ocr/3 --value probability");
    return command;
  }
  int run(const std::string& /*line*/, std::ostream& out) const override {
    return show_command(options_, out);
  }
  const std::filesystem::path* results() const override {
    return &options_.source;
  }

 private:
  ShowOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_show_command() {
  return std::make_unique<ShowCommand>();
}

}  // namespace lens::cli
