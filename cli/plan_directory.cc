// The half of plan.h that touches the run directory.
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/error.h"
#include "cli/plan.h"
#include "cli/plan_vocabulary.h"
#include "storage/manifest_file.h"
#include "storage/vocabulary_file.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using storage::Manifest;

void add(std::string& text, const std::string& item) {
  if (!text.empty()) text += "; ";
  text += item;
}

std::string changed(const std::string& what, const std::string& existing,
                    const std::string& wanted) {
  return what + ": " + existing + " in the run directory, " + wanted +
         " asked for";
}

constexpr const char* kSpread = "tensor_parallel";
constexpr const char* kImage = "image";

void compare_configs(const storage::RunConfig& existing,
                     const storage::RunConfig& wanted, std::string& text) {
  const json before = json::parse(storage::config_json(existing));
  const json after = json::parse(storage::config_json(wanted));
  if (!after.contains("data") && before.contains("data"))
    add(text, "the columns of the data sets are not those of the plan");
  for (const auto& [key, value] : after.items()) {
    const json old = before.value(key, json());
    if (key == kSpread || key == kImage || old == value) continue;
    add(text, changed(key, old.dump(), value.dump()));
  }
  // Not in the JSON where they are as they ever were.
  if (existing.tensor_parallel != wanted.tensor_parallel)
    add(text, changed(kSpread, std::to_string(existing.tensor_parallel),
                      std::to_string(wanted.tensor_parallel)));
  if (existing.image != wanted.image)
    add(text, changed(kImage, existing.image, wanted.image));
}

void compare_datasets(const Manifest& existing, const Manifest& wanted,
                      std::string& text) {
  const auto names = [](const Manifest& manifest) {
    std::string list;
    for (const storage::DatasetInput& dataset : manifest.datasets)
      list += (list.empty() ? "" : "+") + dataset.name;
    return list;
  };
  if (names(existing) != names(wanted)) {
    add(text, changed("data sets", names(existing), names(wanted)));
    return;
  }
  for (std::size_t i = 0; i < wanted.datasets.size(); ++i) {
    const storage::DatasetInput& before = existing.datasets[i];
    const storage::DatasetInput& after = wanted.datasets[i];
    bool same = before.files.size() == after.files.size();
    for (std::size_t k = 0; same && k < after.files.size(); ++k)
      same = before.files[k].sha256 == after.files[k].sha256;
    same = same && before.pictures.size() == after.pictures.size();
    for (std::size_t k = 0; same && k < after.pictures.size(); ++k)
      same = before.pictures[k].sha256 == after.pictures[k].sha256;
    if (!same)
      add(text, "the files of " + after.name + " are not those of the plan");
  }
}

void create_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw InputError("cannot make the folder " + folder.string(),
                     error.message(), "choose another --out");
}

// Where nothing but the place of the inputs changed, the run is the same, but
// the workers must find the files.
bool inputs_moved(const Manifest& existing, const Manifest& wanted) {
  return !(existing == wanted);
}

}  // namespace

std::string describe_difference(const Manifest& existing,
                                const Manifest& wanted) {
  if (existing.run_id == wanted.run_id) return "";
  std::string text;
  compare_configs(existing.config, wanted.config, text);
  if (existing.model.sha256 != wanted.model.sha256)
    add(text, changed("model",
                      existing.model.name + " (" +
                          existing.model.sha256.substr(0, 12) + ")",
                      wanted.model.name + " (" +
                          wanted.model.sha256.substr(0, 12) + ")"));
  if (existing.model.tokenizer_sha256 != wanted.model.tokenizer_sha256)
    add(text, "the tokenizer's files are not those of the plan");
  compare_datasets(existing, wanted, text);
  if (text.empty()) add(text, "the list of units");
  return text;
}

Plan plan_run(const PlanRequest& request, const Machine& machine,
              const PlanOptions& options) {
  const storage::RunDirectory run(
      fs::absolute(request.run_directory).lexically_normal());
  Plan plan;
  std::optional<Manifest> existing;
  if (fs::exists(run.manifest()))
    existing = storage::read_manifest(run.manifest());
  plan.manifest =
      make_manifest(request, machine, existing ? &*existing : nullptr, options);
  plan.workers = resolve_workers(request, machine, plan.manifest.config);
  if (existing) {
    const std::string difference =
        describe_difference(*existing, plan.manifest);
    if (!difference.empty())
      throw InputError(run.root().string() + " holds another run", difference,
                       "repeat that run's command, or choose another --out");
    plan.resumed = true;
  }
  create_folder(run.root());
  create_folder(run.parts());
  create_folder(run.logs());
  // Without a manifest it may be of a plan that was cut short.
  if (!existing || !fs::exists(run.vocabulary()))
    storage::write_vocabulary(run.vocabulary(),
                              make_vocabulary(plan.manifest.model.path,
                                              plan.manifest.model.vocab_size));
  // Last: a run directory is planned from here on.
  if (!existing || inputs_moved(*existing, plan.manifest))
    storage::write_manifest(run.manifest(), plan.manifest);
  return plan;
}

}  // namespace lens::cli
