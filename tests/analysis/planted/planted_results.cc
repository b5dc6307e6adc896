#include "planted_results.h"

#include <algorithm>

#include "planted_vocabulary.h"
#include "storage/manifest_file.h"
#include "storage/merge.h"
#include "storage/part.h"
#include "storage/vocabulary_file.h"

namespace lens::analysis::planted {
namespace {

storage::DatasetInput make_input(const DatasetPlan& dataset) {
  const std::string path = "/data/" + dataset.name;
  return {.name = dataset.name,
          .path = path,
          .files = {{.path = path + "/0.parquet",
                     .bytes = 1000,
                     .modified_ns = 5,
                     .sha256 =
                         std::string(64, dataset.name == "mtvqa" ? 'a' : 'b')}},
          .samples = dataset.samples};
}

void add_units(const DatasetPlan& dataset, std::int64_t unit_samples,
               storage::Manifest& manifest) {
  const std::int64_t questions = dataset.name == "mtvqa" ? 3 : 1;
  for (std::int64_t begin = 0; begin < dataset.samples; begin += unit_samples) {
    const std::int64_t end = std::min(dataset.samples, begin + unit_samples);
    manifest.units.push_back(
        {.index = static_cast<std::int32_t>(manifest.units.size()),
         .dataset = dataset.name,
         .row_begin = begin / questions,
         .row_end = (end + questions - 1) / questions,
         .first_sample = begin,
         .samples = end - begin});
  }
}

const DatasetPlan& plan_of(const Plan& plan, const std::string& name) {
  return *std::find_if(
      plan.datasets.begin(), plan.datasets.end(),
      [&](const DatasetPlan& dataset) { return dataset.name == name; });
}

std::vector<storage::CommittedPart> write_parts(
    const storage::RunDirectory& run, const storage::Manifest& manifest,
    const Plan& plan) {
  std::vector<storage::CommittedPart> parts;
  for (const storage::Unit& unit : manifest.units) {
    const DatasetPlan& dataset = plan_of(plan, unit.dataset);
    const std::int64_t end = unit.first_sample + unit.samples;
    if (plan.partial && end == dataset.samples) continue;
    const storage::PartHeader header = {.run_id = manifest.run_id,
                                        .dataset = unit.dataset,
                                        .unit = unit.index,
                                        .epoch = 1,
                                        .number = 1,
                                        .device_name = "CPU"};
    storage::UnitResult result =
        make_samples(plan, dataset, unit.first_sample, end);
    if (plan.edit) plan.edit(dataset, result);
    parts.push_back({.unit = unit.index,
                     .receipt = storage::write_part(
                         run.root(), run.part(unit.dataset, unit.index, 1, 1),
                         header, result)});
  }
  return parts;
}

}  // namespace

storage::Manifest make_manifest(const Plan& plan) {
  storage::Manifest manifest;
  manifest.config.device = "cpu";
  manifest.config.dtype = "float32";
  manifest.config.top_k = plan.ranks;
  manifest.config.max_pixels = 1 << 20;
  manifest.config.prompts = {
      {"latex_ocr", "Using LaTeX to perform OCR on the image."},
      {"mtvqa", "{question}"}};
  manifest.model = {.path = "/models/planted",
                    .name = "planted",
                    .sha256 = std::string(64, 'c'),
                    .tokenizer_sha256 = std::string(64, 'd'),
                    .files = {},
                    .num_layers = plan.layers - 1,
                    .vocab_size = plan.vocabulary,
                    .hidden_size = 8};
  for (const DatasetPlan& dataset : plan.datasets) {
    manifest.datasets.push_back(make_input(dataset));
    add_units(dataset, plan.unit_samples, manifest);
  }
  manifest.run_id = storage::run_identity(manifest);
  return manifest;
}

std::filesystem::path write_run(const std::filesystem::path& folder,
                                const Plan& plan) {
  std::filesystem::create_directories(folder);
  const storage::RunDirectory run(folder);
  const storage::Manifest manifest = make_manifest(plan);
  storage::write_manifest(run.manifest(), manifest);
  storage::write_vocabulary(run.vocabulary(),
                            plan.other_vocabulary.token_text.empty()
                                ? make_vocabulary(plan.vocabulary)
                                : plan.other_vocabulary);
  storage::MergeOptions options;
  options.output = plan.partial ? folder / "results.partial.h5" : run.results();
  options.partial = plan.partial;
  options.software = {.version = "0.1.0", .git_commit = ""};
  storage::merge(run, manifest, write_parts(run, manifest, plan), options);
  std::filesystem::remove_all(run.parts());
  return options.output;
}

}  // namespace lens::analysis::planted
