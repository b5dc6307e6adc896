#include "model/checkpoint/checkpoint_files.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include "base/error.h"
#include "input/file/input_file.h"
#include "input/file/json_object.h"

namespace lens::model {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kSingleFile = "model.safetensors";
constexpr const char* kIndexFile = "model.safetensors.index.json";

}  // namespace

CheckpointFiles::CheckpointFiles(const fs::path& folder, TensorTable asked)
    : folder_(folder), asked_(std::move(asked)) {
  const bool single = has_file(folder / kSingleFile);
  const bool index = has_file(folder / kIndexFile);
  if (single) {
    files_.emplace_back(kSingleFile);
    for (const auto& [name, entry] :
         SafetensorsHeader::read(folder / kSingleFile).entries) {
      add(name, kSingleFile, entry);
    }
    // The order of transformers.
    if (index) {
      notes_.push_back(std::string("the weights are ") + kSingleFile +
                       ", not what " + kIndexFile + " beside it names");
    }
  } else if (index) {
    read_shards(folder / kIndexFile);
  } else {
    throw InputError("no weights in " + folder.string(),
                     std::string("neither ") + kSingleFile + " nor " +
                         kIndexFile + " is there",
                     "give a complete checkpoint as --model");
  }
  check();
}

void CheckpointFiles::add(const std::string& stored_name,
                          const std::string& file, const TensorEntry& entry) {
  const auto [at, fresh] = tensors_.emplace(asked_.official_name(stored_name),
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
  const json root = read_json_object(index);
  if (!root.contains("weight_map") || !root["weight_map"].is_object() ||
      root["weight_map"].empty()) {
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
      if (!has_file(folder_ / shard)) {
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
  // Invariant: a tensor is in one shard. Readers that take all of each shard
  // would take another copy than those that follow the index.
  for (const auto& [shard, header] : shards) {
    files_.push_back(shard);
    for (const auto& [name, entry] : header.entries) {
      const auto known = tensors_.find(asked_.official_name(name));
      if (known != tensors_.end() && known->second.file != shard) {
        refuse("tensor " + name + " is in " + known->second.file + " and in " +
               shard);
      }
    }
  }
}

void CheckpointFiles::refuse_missing(const std::string& name,
                                     bool head_of_its_own) const {
  const std::string problem =
      "tensor " + name + " is missing in " + folder_.string();
  // What quantised formats put in the place of a matrix.
  const std::string stem = name.substr(0, name.rfind('.') + 1);
  for (const char* part : {"qweight", "weight_packed", "weight_q"}) {
    if (tensors_.contains(stem + part)) {
      throw InputError(problem,
                       "its weights are quantised: there is " + stem + part,
                       "give the plain checkpoint");
    }
  }
  if (head_of_its_own) {
    throw InputError(problem,
                     "config.json does not tie it to the embedding: "
                     "tie_word_embeddings is false or not there",
                     "download the checkpoint again, or take config.json from "
                     "where the weights come from");
  }
  throw InputError(problem, "the config asks for it",
                   "download the checkpoint again");
}

void CheckpointFiles::check_tensor(const std::string& name, const Tensor& found,
                                   const TensorShape& shape) const {
  const TensorEntry& entry = found.entry;
  const std::string tensor = "tensor " + name + " of " + folder_.string();
  if (entry.dtype != "F32" && entry.dtype != "BF16" && entry.dtype != "F16") {
    throw InputError(tensor + " has dtype " + entry.dtype,
                     "F32, BF16 and F16 are read",
                     "give the plain checkpoint, or convert it");
  }
  if (entry.shape != shape) {
    throw InputError(tensor + " has shape " + to_text(entry.shape),
                     "the config asks for " + to_text(shape),
                     "config.json and weights do not belong together: "
                     "download the checkpoint again");
  }
}

void CheckpointFiles::check() {
  for (const auto& [name, shape] : asked_.shapes) {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) {
      const bool is_head = name == asked_.head;
      // Where they are tied one of the two serves for both.
      const std::string twin = is_head                    ? asked_.embedding
                               : name == asked_.embedding ? asked_.head
                                                          : "";
      if (asked_.tied && tensors_.contains(twin)) continue;
      refuse_missing(name, is_head && !asked_.tied);
    }
    check_tensor(name, found->second, shape);
    values_ += value_count(shape);
  }
  note_choices();
}

void CheckpointFiles::note_choices() {
  if (asked_.tied && tensors_.contains(asked_.head) &&
      tensors_.contains(asked_.embedding) && !same_beginning()) {
    notes_.emplace_back(
        "config.json ties head and embedding, but the weights hold both with "
        "different values: each is used for what it is");
  }
  std::string first;
  std::size_t unused = 0;
  for (const auto& [name, tensor] : tensors_) {
    // Old files keep the rotation's frequencies, which follow from the config.
    if (asked_.shapes.contains(name) || name.ends_with("inv_freq")) continue;
    if (unused++ == 0) first = name.substr(0, 100);
  }
  if (unused > 0) {
    notes_.push_back(std::to_string(unused) +
                     " tensors of the weights are in no layer of config.json "
                     "and not read, the first of them " +
                     first);
  }
}

// Whether head and embedding begin alike; all of them would be read to be sure,
// and nothing but a note hangs on it.
bool CheckpointFiles::same_beginning() const {
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  const auto beginning = [&](const std::string& name) {
    const Tensor& tensor = tensors_.at(name);
    const fs::path file = folder_ / tensor.file;
    std::ifstream stream(file, std::ios::binary);
    const std::size_t offset =
        SafetensorsHeader::read(file).data_offset + tensor.entry.begin;
    stream.seekg(static_cast<std::streamoff>(offset));
    std::string bytes(std::min(kBytes, tensor.entry.end - tensor.entry.begin),
                      '\0');
    stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return bytes;
  };
  return tensors_.at(asked_.head).entry.dtype ==
             tensors_.at(asked_.embedding).entry.dtype &&
         beginning(asked_.head) == beginning(asked_.embedding);
}

}  // namespace lens::model
