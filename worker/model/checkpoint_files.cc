#include "worker/model/checkpoint_files.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "worker/error.h"
#include "worker/model/tensor_shapes.h"

namespace lens::model {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kSingleFile = "model.safetensors";
constexpr const char* kIndexFile = "model.safetensors.index.json";

// The official spelling of a tensor name.
std::string official_name(const std::string& name) {
  if (name.starts_with("model.visual.")) return name.substr(6);
  if (name.starts_with("model.language_model."))
    return "model." + name.substr(21);
  return name;
}

}  // namespace

CheckpointFiles::CheckpointFiles(const fs::path& folder,
                                 const ModelConfig& config)
    : folder_(folder) {
  if (fs::exists(folder / kIndexFile)) {
    read_shards(folder / kIndexFile);
  } else if (fs::exists(folder / kSingleFile)) {
    files_.emplace_back(kSingleFile);
    for (const auto& [name, entry] :
         SafetensorsHeader::read(folder / kSingleFile).entries) {
      add(name, kSingleFile, entry);
    }
  } else {
    throw InputError("no weights in " + folder.string(),
                     std::string("neither ") + kSingleFile + " nor " +
                         kIndexFile + " is there",
                     "give a complete Qwen2-VL checkpoint as --model");
  }
  check(config);
}

void CheckpointFiles::add(const std::string& stored_name,
                          const std::string& file, const TensorEntry& entry) {
  const auto [at, fresh] = tensors_.emplace(official_name(stored_name),
                                            Tensor{file, stored_name, entry});
  if (!fresh) {
    throw InputError("refused " + folder_.string(),
                     "it holds " + at->first + " under two names",
                     "download the checkpoint again");
  }
}

void CheckpointFiles::read_shards(const fs::path& index) {
  const auto refuse = [&](const std::string& why) {
    throw InputError("cannot use " + index.string(), why,
                     "download the checkpoint again");
  };
  std::ifstream in(index, std::ios::binary);
  const json root = json::parse(in, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object() || !root.contains("weight_map") ||
      !root["weight_map"].is_object() || root["weight_map"].empty()) {
    refuse("no weight_map");
  }
  std::map<std::string, SafetensorsHeader> shards;
  for (const auto& [name, file] : root["weight_map"].items()) {
    if (!file.is_string()) refuse("weight_map names no file for " + name);
    const std::string shard = file.get<std::string>();
    // Invariant: a shard lies in the checkpoint folder itself.
    if (shard.empty() || shard.find('/') != std::string::npos ||
        shard == "..") {
      refuse("weight_map names the file \"" + shard + "\"");
    }
    if (!shards.contains(shard)) {
      if (!fs::exists(folder_ / shard)) {
        throw InputError("weights are missing",
                         (folder_ / shard).string() + " is not there",
                         "download the checkpoint again");
      }
      shards.emplace(shard, SafetensorsHeader::read(folder_ / shard));
    }
    const auto& entries = shards.at(shard).entries;
    const auto entry = entries.find(name);
    if (entry == entries.end()) {
      refuse("tensor " + name + " is not in " + shard);
    }
    add(name, shard, entry->second);
  }
  for (const auto& [shard, header] : shards) files_.push_back(shard);
}

void CheckpointFiles::check(const ModelConfig& config) {
  for (const auto& [name, shape] : tensor_shapes(config)) {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) {
      // A head that is not there is tied, whatever the flag says.
      if (name == kHeadTensor) continue;
      throw InputError("tensor " + name + " is missing in " + folder_.string(),
                       "the config asks for it",
                       "download the checkpoint again");
    }
    const TensorEntry& entry = found->second.entry;
    const std::string tensor = "tensor " + name + " of " + folder_.string();
    if (entry.shape != shape) {
      throw InputError(tensor + " has shape " + to_text(entry.shape),
                       "the config asks for " + to_text(shape),
                       "config.json and weights do not belong together: "
                       "download the checkpoint again");
    }
    if (entry.dtype != "F32" && entry.dtype != "BF16" && entry.dtype != "F16") {
      throw InputError(tensor + " has dtype " + entry.dtype,
                       "F32, BF16 and F16 are read", "convert the checkpoint");
    }
    values_ += value_count(shape);
  }
}

}  // namespace lens::model
