// planted_results_main RUN_DIR [flags]: writes manifest.json and a valid
// results.h5 whose curves turn where the flags say.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "planted_results.h"

namespace planted = lens::analysis::planted;

namespace {

// "mtvqa", "latex_ocr" or a language, "=", a layer.
void set_onset(const std::string& text, planted::Plan& plan) {
  const std::size_t mark = text.find('=');
  const std::string name = text.substr(0, mark);
  const double layer = std::stod(text.substr(mark + 1));
  for (planted::DatasetPlan& dataset : plan.datasets) {
    if (dataset.name == name) {
      dataset.onset = layer;
      return;
    }
  }
  plan.datasets.at(0).language_onset[name] = layer;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Writes results with a planted truth"};
  std::string folder;
  planted::Plan plan;
  planted::DatasetPlan common;
  std::int64_t mtvqa = 90, latex = 90;
  std::vector<std::string> onsets;
  app.add_option("RUN_DIR", folder)->required();
  app.add_option("--mtvqa", mtvqa, "samples; 0: without the data set");
  app.add_option("--latex", latex, "samples of latex_ocr");
  app.add_option("--language", common.languages, "of mtvqa");
  app.add_option("--onset", onsets,
                 "NAME=LAYER: mtvqa, latex_ocr or a language");
  app.add_option("--least-tokens", common.least_tokens);
  app.add_option("--most-tokens", common.most_tokens);
  app.add_option("--area-effect", common.area_effect);
  app.add_option("--length-effect", common.length_effect);
  app.add_option("--wrong-effect", common.wrong_effect);
  app.add_option("--right-share", common.right_share);
  app.add_option("--layers", plan.layers, "states");
  app.add_option("--ranks", plan.ranks);
  app.add_option("--vocabulary", plan.vocabulary);
  app.add_option("--noise", plan.noise_nats);
  app.add_option("--sample-spread", plan.sample_spread);
  app.add_option("--picture-spread", plan.picture_spread);
  app.add_option("--token-spread", plan.token_spread);
  app.add_option("--failed-share", plan.failed_share);
  app.add_option("--empty-share", plan.empty_share);
  app.add_option("--middle-script", plan.middle_script);
  app.add_option("--middle-share", plan.middle_share);
  app.add_option("--middle-begin", plan.middle_begin);
  app.add_option("--middle-end", plan.middle_end);
  app.add_option("--unit-samples", plan.unit_samples);
  app.add_option("--seed", plan.seed);
  app.add_flag("--partial", plan.partial);
  CLI11_PARSE(app, argc, argv);
  plan.datasets.clear();
  for (const auto& [name, samples] :
       {std::pair{"mtvqa", mtvqa}, std::pair{"latex_ocr", latex}}) {
    if (samples == 0) continue;
    planted::DatasetPlan dataset = common;
    dataset.name = name;
    dataset.samples = samples;
    plan.datasets.push_back(dataset);
  }
  try {
    for (const std::string& onset : onsets) set_onset(onset, plan);
    std::printf("%s\n", planted::write_run(folder, plan).c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "planted_results_main: %s\n", error.what());
    return 1;
  }
}
