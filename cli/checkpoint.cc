#include "cli/checkpoint.h"

#include <array>

#include "base/error.h"
#include "cli/chat_template.h"
#include "input/file/hub_snapshot.h"
#include "input/file/input_file.h"
#include "input/image/preprocess.h"
#include "input/text/tokenizer_files.h"
#include "model/checkpoint/checkpoint_files.h"
#include "model/families.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array kTokenizerFiles = {"tokenizer.json", "vocab.json",
                                        "merges.txt", "added_tokens.json",
                                        "tokenizer_config.json"};

// What config.json says, or else the files: the first tensor by name.
std::string weights_dtype(const model::Description& described,
                          const model::CheckpointFiles& files,
                          const fs::path& config_file,
                          std::vector<std::string>& notes) {
  std::string dtype = described.dtype;
  if (dtype.starts_with("torch.")) dtype.erase(0, 6);
  const std::string& entry = files.tensors().begin()->second.entry.dtype;
  const std::string stored = entry == "BF16"  ? "bfloat16"
                             : entry == "F16" ? "float16"
                                              : "float32";
  if (dtype.empty() || dtype == "auto") return stored;
  if (dtype != "float32" && dtype != "bfloat16" && dtype != "float16")
    throw InputError("cannot use " + config_file.string(),
                     "dtype " + dtype + " is not float32, bfloat16 or float16",
                     "convert the checkpoint");
  if (dtype != stored)
    notes.push_back("config.json says that the weights are " + dtype +
                    ", they are stored as " + stored + ": the former counts");
  return dtype;
}

// The patches that are cut must be those that the vision tower takes.
void check_patches(const fs::path& folder, const model::PatchShape& tower,
                   const image::PreprocessorConfig& cut) {
  const auto compare = [&](const char* key, int made, int taken) {
    if (made != taken)
      throw InputError(
          "the preprocessor of " + folder.string() + " does not fit the model",
          std::string(key) + " is " + std::to_string(made) + " in " +
              cut.file.filename().string() + ", " + std::to_string(taken) +
              " in config.json",
          "download the checkpoint again");
  };
  compare("patch_size", cut.patch_size, tower.patch_size);
  compare("temporal_patch_size", cut.temporal_patch_size,
          tower.temporal_patch_size);
  compare("merge_size", cut.merge_size, tower.merge_size);
}

// transformers would add the adapter to the weights.
void refuse_adapter(const fs::path& folder) {
  const fs::path file = folder / "adapter_config.json";
  if (has_file(file))
    throw InputError("cannot use " + folder.string(),
                     "adapter_config.json: an adapter lies beside the weights",
                     "merge it into them, or move its files away");
}

void append(const std::vector<std::string>& more,
            std::vector<std::string>& notes) {
  notes.insert(notes.end(), more.begin(), more.end());
}

}  // namespace

Checkpoint read_checkpoint(const fs::path& given) {
  std::error_code error;
  if (!fs::is_directory(given, error))
    throw InputError(
        "cannot use --model " + given.string(),
        has_file(given) ? "not a folder" : "no such folder",
        "give the folder of a " + model::family_names() + " checkpoint");
  Checkpoint checkpoint;
  checkpoint.folder = fs::absolute(given).lexically_normal();
  if (!checkpoint.folder.has_filename())  // "model/" -> "model"
    checkpoint.folder = checkpoint.folder.parent_path();
  checkpoint.name = checkpoint.folder.filename().string();
  checkpoint.folder = hub_snapshot(checkpoint.folder);

  const model::Family& family = model::family_of(checkpoint.folder);
  const model::Description described = family.describe(checkpoint.folder);
  refuse_adapter(checkpoint.folder);
  const auto preprocessor = image::PreprocessorConfig::load(
      checkpoint.folder, family.image_processors);
  check_patches(checkpoint.folder, described.patches, preprocessor);
  const model::CheckpointFiles files(checkpoint.folder, described.tensors);
  checkpoint.num_layers = described.shape.num_layers;
  checkpoint.vocab_size = described.shape.vocab_size;
  checkpoint.hidden_size = described.shape.hidden_size;
  checkpoint.image_token_id = described.shape.image_token_id;
  checkpoint.parameters = files.values();
  checkpoint.spreads = described.spreads;
  checkpoint.num_heads = described.shape.num_heads;
  checkpoint.num_kv_heads = described.shape.num_kv_heads;
  checkpoint.generation = described.generation;
  append(described.notes, checkpoint.notes);
  append(preprocessor.notes, checkpoint.notes);
  append(files.notes(), checkpoint.notes);
  checkpoint.dtype = weights_dtype(
      described, files, checkpoint.folder / "config.json", checkpoint.notes);
  if (const auto note = text::tokenizer_note(checkpoint.folder))
    checkpoint.notes.push_back(*note);
  if (const auto note = chat_template_note(checkpoint.folder, family))
    checkpoint.notes.push_back(*note);

  const auto add_present = [&](const char* name, auto& list) {
    if (has_file(checkpoint.folder / name))
      list.push_back(checkpoint.folder / name);
  };
  for (const char* name :
       {"config.json", "generation_config.json", "model.safetensors.index.json",
        "preprocessor_config.json", "processor_config.json"})
    add_present(name, checkpoint.model_files);
  for (const std::string& file : files.files())
    checkpoint.model_files.push_back(checkpoint.folder / file);
  for (const char* name : kTokenizerFiles)
    add_present(name, checkpoint.tokenizer_files);
  return checkpoint;
}

}  // namespace lens::cli
