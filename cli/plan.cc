#include "cli/plan.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/storable_text.h"
#include "cli/checkpoint.h"
#include "cli/file_hash.h"
#include "cli/memory_fit.h"
#include "cli/plan_config.h"
#include "cli/plan_units.h"
#include "cli/plan_vocabulary.h"
#include "cli/spread.h"
#include "input/data/dataset.h"
#include "input/data/guess.h"
#include "input/data/manifest_map.h"
#include "input/data/picture_folder.h"
#include "storage/manifest_file.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using storage::Manifest;

struct OpenDataset {
  std::string name;
  fs::path path;  // absolute
  data::Description description;
  std::vector<fs::path> files;
  std::vector<fs::path> pictures;  // that its rows name
  SelectedRows selected;
  std::vector<std::string> notes;  // of the choice of files
};

// The manifest, the wire and results.h5 hold UTF-8 alone: a name of other bytes
// could not be found again by who reads it there.
void check_names(const PlanRequest& request) {
  const auto check = [](const std::string& what, const std::string& text) {
    const std::string stored = storable_text(text);
    if (stored != text)
      throw InputError("cannot use " + what + " " + stored,
                       "it is not UTF-8, or holds a NUL",
                       "rename it, or give a link to it of another name");
  };
  check("--model", fs::absolute(request.model).string());
  check("--out", fs::absolute(request.run_directory).string());
  check("--split", request.split);
  check("--system-prompt", request.system_prompt);
  for (const PlanRequest::Dataset& dataset : request.datasets)
    check("--dataset " + dataset.name, fs::absolute(dataset.path).string());
  for (const auto& [name, text] : request.prompts)
    check("--prompt " + name, text);
  for (const auto& [name, wishes] : request.wishes) {
    check("--question " + name, wishes.question.value_or(""));
    for (const auto& [role, column] : wishes.columns)
      check("--columns " + name, column);
  }
  for (const std::string& language : request.languages)
    check("--language", language);
}

// With --generation-config a setting is followed, named or refused.
void check_generation(const model::GenerationConfig& generation,
                      std::vector<std::string>& notes) {
  std::string list;
  const auto add = [&list](const std::string& setting) {
    list += (list.empty() ? "" : ", ") + setting;
  };
  for (const std::string& setting : generation.unfollowed) add(setting);
  if (!list.empty())
    throw InputError(
        "--generation-config cannot be followed",
        "generation_config.json asks for " + list + ", which Lens does not do",
        "leave the flag out, or the setting");
  for (const std::string& setting : generation.set_aside) add(setting);
  if (!list.empty())
    notes.push_back("of generation_config.json not followed: " + list +
                    "; Lens decodes greedily, up to --max-new-tokens");
}

void check_datasets(const PlanRequest& request) {
  if (request.datasets.empty())
    throw InputError("no data set", "--dataset is missing",
                     "give --dataset NAME=PATH");
  std::set<std::string> names;
  for (const PlanRequest::Dataset& dataset : request.datasets)
    if (!names.insert(dataset.name).second)
      throw InputError("data set " + dataset.name + " is given twice", "",
                       "give a folder that holds all its files");
  for (const auto& [name, wishes] : request.wishes)
    if (!names.contains(name))
      throw InputError("--columns, --question or --score for " + name,
                       "this data set is not in the run",
                       "add --dataset " + name + "=PATH or leave it out");
  for (const auto& [name, prompt] : request.prompts)
    if (!names.contains(name))
      throw InputError("--prompt for " + name,
                       "this data set is not in the run",
                       "add --dataset " + name + "=PATH or leave it out");
}

[[noreturn]] void no_sample(const std::string& name, const PlanRequest& request,
                            const std::vector<data::RowOutline>& outline) {
  std::set<std::string> present;
  for (const data::RowOutline& row : outline) present.insert(row.language);
  std::string why = outline.empty() ? "its files hold no row" : "it holds";
  for (const std::string& language : present) why += " " + language;
  throw InputError("no sample of " + name + " is selected", why,
                   request.languages.empty() ? "check the files"
                                             : "choose another --language");
}

std::vector<data::RowOutline> outline_of(const OpenDataset& dataset) {
  return data::Dataset(dataset.description, dataset.files, dataset.path)
      .outline();
}

// The first key that two rows share; empty: none.
std::string doubled_key(const std::vector<data::RowOutline>& outline) {
  std::set<std::string_view> keys;
  for (const data::RowOutline& row : outline)
    if (!keys.insert(row.key).second) return row.key;
  return "";
}

// Settles what the columns mean, and reads all but the pictures.
std::vector<data::RowOutline> describe(const PlanRequest& request,
                                       OpenDataset& dataset) {
  const auto wishes = request.wishes.find(dataset.name);
  data::Described described = data::describe(
      dataset.name, dataset.files.front(),
      wishes == request.wishes.end() ? data::Wishes{} : wishes->second);
  dataset.description = std::move(described.description);
  std::vector<data::RowOutline> outline = outline_of(dataset);
  std::string& id = dataset.description.columns.id;
  if (!id.empty()) {
    if (const std::string key = doubled_key(outline); !key.empty()) {
      const std::string problem = "'" + key + "' stands twice in column '" +
                                  id + "' of " + dataset.name;
      if (!described.id_is_guessed)
        throw InputError(problem, "a key names one row",
                         "name another column, or none");
      described.notes.push_back(problem + ": rows are numbered instead");
      id.clear();
      outline = outline_of(dataset);
    }
  }
  dataset.notes.insert(dataset.notes.end(), described.notes.begin(),
                       described.notes.end());
  return outline;
}

// The pictures that the selected rows name and that are there, each once.
std::vector<fs::path> pictures_of(const SelectedRows& selected) {
  std::set<fs::path> pictures;
  for (const data::RowOutline& row : selected.rows) {
    std::error_code error;
    if (fs::is_regular_file(row.picture, error)) pictures.insert(row.picture);
  }
  return {pictures.begin(), pictures.end()};
}

std::vector<OpenDataset> open_datasets(const PlanRequest& request) {
  check_datasets(request);
  std::vector<OpenDataset> open;
  for (const PlanRequest::Dataset& wanted : request.datasets) {
    OpenDataset dataset;
    dataset.name = wanted.name;
    dataset.path = fs::absolute(wanted.path).lexically_normal();
    data::SplitFiles found = data::find_data(dataset.path, request.split);
    dataset.files = std::move(found.files);
    dataset.notes = std::move(found.notes);
    const std::vector<data::RowOutline> outline = describe(request, dataset);
    // Where no column names a language there is nothing to choose among.
    dataset.selected = select_rows(outline,
                                   dataset.description.columns.language.empty()
                                       ? std::vector<std::string>{}
                                       : request.languages,
                                   request.limit);
    if (dataset.selected.rows.empty()) no_sample(wanted.name, request, outline);
    if (data::is_picture_name(dataset.files.front()))
      // The files are the pictures: those behind the last row are not read.
      dataset.files.resize(
          static_cast<std::size_t>(dataset.selected.rows.back().row) + 1);
    else
      dataset.pictures = pictures_of(dataset.selected);
    open.push_back(std::move(dataset));
  }
  // By name: the order of the flags does not make another run.
  std::sort(open.begin(), open.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return open;
}

std::int64_t resolve_unit_images(const PlanRequest& request,
                                 const std::string& device,
                                 const std::vector<OpenDataset>& datasets,
                                 const Manifest* previous) {
  if (request.unit_images) return *request.unit_images;
  if (previous) return previous->config.unit_images;
  std::size_t most_rows = 0;
  for (const OpenDataset& dataset : datasets)
    most_rows = std::max(most_rows, dataset.selected.rows.size());
  return auto_unit_images(device, static_cast<std::int64_t>(most_rows));
}

std::vector<storage::InputFile> known_files(const Manifest* previous) {
  if (previous == nullptr) return {};
  std::vector<storage::InputFile> files = previous->model.files;
  for (const storage::DatasetInput& dataset : previous->datasets) {
    files.insert(files.end(), dataset.files.begin(), dataset.files.end());
    files.insert(files.end(), dataset.pictures.begin(), dataset.pictures.end());
  }
  return files;
}

// Hashes everything the run reads in one go and puts it into the manifest.
void hash_inputs(const Checkpoint& checkpoint,
                 const std::vector<OpenDataset>& datasets,
                 const HashOptions& options, Manifest& manifest) {
  std::vector<fs::path> paths = checkpoint.model_files;
  const auto append = [&paths](const std::vector<fs::path>& more) {
    paths.insert(paths.end(), more.begin(), more.end());
  };
  append(checkpoint.tokenizer_files);
  for (const OpenDataset& dataset : datasets) {
    append(dataset.files);
    append(dataset.pictures);
  }

  const std::vector<storage::InputFile> hashed = hash_files(paths, options);
  auto next = hashed.begin();
  const auto take = [&next](std::size_t count) {
    const auto begin = next;
    next += static_cast<std::ptrdiff_t>(count);
    return std::vector<storage::InputFile>(begin, next);
  };
  storage::ModelInput& model = manifest.model;
  model.files = take(checkpoint.model_files.size());
  model.sha256 = combined_sha256(model.files);
  const auto tokenizer = take(checkpoint.tokenizer_files.size());
  model.tokenizer_sha256 = combined_sha256(tokenizer);
  model.files.insert(model.files.end(), tokenizer.begin(), tokenizer.end());
  for (const OpenDataset& dataset : datasets)
    manifest.datasets.push_back({.name = dataset.name,
                                 .path = dataset.path.string(),
                                 .files = take(dataset.files.size()),
                                 .pictures = take(dataset.pictures.size()),
                                 .samples = dataset.selected.samples});
}

}  // namespace

Manifest make_manifest(const PlanRequest& request, const Machine& machine,
                       const Manifest* previous, const PlanOptions& options) {
  check_names(request);
  const Checkpoint checkpoint = read_checkpoint(request.model);
  check_tokenizer(checkpoint, request.system_prompt);
  const std::vector<OpenDataset> datasets = open_datasets(request);

  Manifest manifest;
  manifest.notes = checkpoint.notes;
  manifest.config = resolve_config(request, machine, checkpoint, previous);
  if (manifest.config.generation_config)
    check_generation(checkpoint.generation, manifest.notes);
  manifest.config.unit_images =
      resolve_unit_images(request, manifest.config.device, datasets, previous);
  if (options.runs_here) {
    const int workers = resolve_workers(request, machine, manifest.config);
    require_gpus(manifest.config, workers, machine);
    require_memory(checkpoint, manifest.config, workers, machine);
  }
  for (const OpenDataset& dataset : datasets) {
    const auto given = request.prompts.find(dataset.name);
    manifest.config.prompts[dataset.name] = given == request.prompts.end()
                                                ? dataset.description.prompt
                                                : given->second;
    data::put_map(dataset.name, dataset.description, manifest.config);
    append_units(dataset.name, dataset.selected, manifest.config.unit_images,
                 manifest.units);
    manifest.notes.insert(manifest.notes.end(), dataset.notes.begin(),
                          dataset.notes.end());
  }
  // What can be refused has been: the hashes, which may take minutes, come
  // last.
  manifest.model.path = checkpoint.folder.string();
  manifest.model.name = checkpoint.name;
  manifest.model.num_layers = checkpoint.num_layers;
  manifest.model.vocab_size = checkpoint.vocab_size;
  manifest.model.hidden_size = checkpoint.hidden_size;
  const std::optional<HashMemory> memory = HashMemory::of_user();
  hash_inputs(checkpoint, datasets,
              {.known = known_files(previous),
               .memory = memory ? &*memory : nullptr,
               .threads = std::min(machine.cores, 8),
               .progress = options.hash_progress},
              manifest);
  manifest.run_id = storage::run_identity(manifest);
  return manifest;
}

}  // namespace lens::cli
