#include "cli/checkpoint.h"

#include <array>

#include "worker/error.h"
#include "worker/image/preprocess.h"
#include "worker/model/checkpoint_files.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array kTokenizerFiles = {"tokenizer.json", "vocab.json",
                                        "merges.txt", "added_tokens.json",
                                        "tokenizer_config.json"};

// What config.json says, or else the files: the first tensor by name.
std::string weights_dtype(const model::ModelConfig& config,
                          const model::CheckpointFiles& files,
                          const fs::path& config_file) {
  std::string dtype = config.dtype;
  if (dtype.starts_with("torch.")) dtype.erase(0, 6);
  if (dtype.empty() || dtype == "auto") {
    const std::string& stored = files.tensors().begin()->second.entry.dtype;
    return stored == "BF16"  ? "bfloat16"
           : stored == "F16" ? "float16"
                             : "float32";
  }
  if (dtype != "float32" && dtype != "bfloat16" && dtype != "float16")
    throw InputError("cannot use " + config_file.string(),
                     "dtype " + dtype + " is not float32, bfloat16 or float16",
                     "convert the checkpoint");
  return dtype;
}

// The patches that are cut must be those that the vision tower takes.
void check_patches(const fs::path& folder, const model::VisionConfig& vision) {
  const auto cut = image::PreprocessorConfig::load(folder);
  const auto compare = [&](const char* key, int made, int taken) {
    if (made != taken)
      throw InputError(
          "the preprocessor of " + folder.string() + " does not fit the model",
          std::string(key) + " is " + std::to_string(made) +
              " in preprocessor_config.json, " + std::to_string(taken) +
              " in config.json",
          "download the checkpoint again");
  };
  compare("patch_size", cut.patch_size, vision.patch_size);
  compare("temporal_patch_size", cut.temporal_patch_size,
          vision.temporal_patch_size);
  compare("merge_size", cut.merge_size, vision.spatial_merge_size);
}

}  // namespace

Checkpoint read_checkpoint(const fs::path& folder) {
  if (!fs::is_directory(folder))
    throw InputError("cannot use --model " + folder.string(),
                     fs::exists(folder) ? "not a folder" : "no such folder",
                     "give the folder of a Qwen2-VL checkpoint");
  Checkpoint checkpoint;
  checkpoint.folder = fs::absolute(folder).lexically_normal();
  if (!checkpoint.folder.has_filename())  // "model/" -> "model"
    checkpoint.folder = checkpoint.folder.parent_path();

  const auto config = model::ModelConfig::load(checkpoint.folder);
  check_patches(checkpoint.folder, config.vision);
  const model::CheckpointFiles files(checkpoint.folder, config);
  checkpoint.num_layers = config.text.num_layers;
  checkpoint.vocab_size = config.text.vocab_size;
  checkpoint.hidden_size = config.text.hidden_size;
  checkpoint.image_token_id = config.image_token_id;
  checkpoint.parameters = files.values();
  checkpoint.dtype =
      weights_dtype(config, files, checkpoint.folder / "config.json");

  const auto add_present = [&](const char* name, auto& list) {
    if (fs::exists(checkpoint.folder / name))
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
