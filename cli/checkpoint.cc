#include "cli/checkpoint.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "worker/error.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::array kTokenizerFiles = {"tokenizer.json", "vocab.json",
                                        "merges.txt", "added_tokens.json",
                                        "tokenizer_config.json"};
// The reference implementation's own bound on a safetensors header.
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;

json read_json(const fs::path& file) {
  std::ifstream stream(file);
  if (!stream)
    throw InputError("cannot read " + file.string(), "no such file",
                     "give the folder of a Qwen2-VL checkpoint as --model");
  json parsed = json::parse(stream, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object())
    throw InputError("cannot use " + file.string(), "not a JSON object",
                     "download the checkpoint again");
  return parsed;
}

// text_config wins over the top level, as in transformers.
const json* find_key(const json& config, const char* key) {
  if (const auto text = config.find("text_config");
      text != config.end() && text->is_object()) {
    if (const auto at = text->find(key); at != text->end() && !at->is_null())
      return &*at;
  }
  const auto at = config.find(key);
  return at != config.end() && !at->is_null() ? &*at : nullptr;
}

std::int64_t positive(const json& config, const char* key,
                      const fs::path& file) {
  const json* value = find_key(config, key);
  if (value == nullptr || !value->is_number_integer() ||
      value->get<std::int64_t>() <= 0)
    throw InputError("cannot use " + file.string(),
                     std::string(key) + " is not a positive number",
                     "give a Qwen2-VL checkpoint");
  return value->get<std::int64_t>();
}

std::vector<fs::path> weight_files(const fs::path& folder) {
  std::set<fs::path> files;
  const fs::path index = folder / "model.safetensors.index.json";
  if (fs::exists(index)) {
    const json parsed = read_json(index);
    const auto map = parsed.find("weight_map");
    if (map == parsed.end() || !map->is_object())
      throw InputError("cannot use " + index.string(), "no weight_map",
                       "download the checkpoint again");
    for (const auto& [tensor, name] : map->items()) {
      if (!name.is_string())
        throw InputError("cannot use " + index.string(),
                         "the file of " + tensor + " is not a name",
                         "download the checkpoint again");
      files.insert(folder / name.get<std::string>());
    }
  } else {
    for (const auto& entry : fs::directory_iterator(folder))
      if (entry.path().extension() == ".safetensors")
        files.insert(entry.path());
  }
  if (files.empty())
    throw InputError("no weights in " + folder.string(),
                     "no *.safetensors file",
                     "give a complete Qwen2-VL checkpoint as --model");
  for (const fs::path& file : files)
    if (!fs::is_regular_file(file))
      throw InputError("weights are missing", file.string() + " is not there",
                       "download the checkpoint again");
  return {files.begin(), files.end()};
}

json weight_header(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::array<unsigned char, 8> prefix{};
  stream.read(reinterpret_cast<char*>(prefix.data()), prefix.size());
  std::uint64_t length = 0;
  for (int byte = 7; byte >= 0; --byte) length = length << 8 | prefix[byte];
  if (!stream || length > kMaxHeaderBytes || length + 8 > fs::file_size(file))
    throw InputError("cannot use " + file.string(),
                     "not a whole safetensors file",
                     "download the checkpoint again");
  std::string text(length, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(length));
  json header = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!stream || !header.is_object())
    throw InputError("cannot use " + file.string(),
                     "its safetensors header is damaged",
                     "download the checkpoint again");
  return header;
}

// Adds the values of one weight file; the first tensor names the dtype where
// the config does not.
void count_parameters(const fs::path& file, Checkpoint& checkpoint) {
  const json header = weight_header(file);
  for (const auto& [name, tensor] : header.items()) {
    if (name == "__metadata__") continue;
    if (!tensor.is_object() || !tensor.contains("shape") ||
        !tensor["shape"].is_array() || !tensor.contains("dtype") ||
        !tensor["dtype"].is_string())
      throw InputError("cannot use " + file.string(),
                       "tensor " + name + " has no shape or dtype",
                       "download the checkpoint again");
    std::int64_t values = 1;
    for (const json& side : tensor["shape"])
      values *= side.is_number_integer() ? side.get<std::int64_t>() : 0;
    checkpoint.parameters += values;
    if (!checkpoint.dtype.empty()) continue;
    const std::string stored = tensor["dtype"].get<std::string>();
    if (stored == "BF16") checkpoint.dtype = "bfloat16";
    if (stored == "F16") checkpoint.dtype = "float16";
    if (stored == "F32") checkpoint.dtype = "float32";
  }
}

std::string config_dtype(const json& config, const fs::path& file) {
  const json* value = find_key(config, "dtype");
  if (value == nullptr) value = find_key(config, "torch_dtype");
  if (value == nullptr || !value->is_string()) return "";
  std::string dtype = value->get<std::string>();
  if (dtype.starts_with("torch.")) dtype.erase(0, 6);
  if (dtype == "auto") return "";
  if (dtype != "float32" && dtype != "bfloat16" && dtype != "float16")
    throw InputError("cannot use " + file.string(),
                     "dtype " + dtype + " is not float32, bfloat16 or float16",
                     "convert the checkpoint");
  return dtype;
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

  const fs::path config_file = checkpoint.folder / "config.json";
  const json config = read_json(config_file);
  if (const auto type = config.find("model_type");
      type != config.end() && type->is_string() && *type != "qwen2_vl")
    throw InputError("cannot use " + config_file.string(),
                     "model_type " + type->get<std::string>(),
                     "give a Qwen2-VL checkpoint");
  checkpoint.num_layers =
      static_cast<int>(positive(config, "num_hidden_layers", config_file));
  checkpoint.vocab_size = positive(config, "vocab_size", config_file);
  checkpoint.hidden_size = positive(config, "hidden_size", config_file);
  checkpoint.dtype = config_dtype(config, config_file);

  checkpoint.model_files.push_back(config_file);
  for (const char* name :
       {"generation_config.json", "model.safetensors.index.json",
        "preprocessor_config.json"})
    if (fs::exists(checkpoint.folder / name))
      checkpoint.model_files.push_back(checkpoint.folder / name);
  for (const fs::path& file : weight_files(checkpoint.folder)) {
    checkpoint.model_files.push_back(file);
    count_parameters(file, checkpoint);
  }
  if (checkpoint.dtype.empty()) checkpoint.dtype = "float32";

  for (const char* name : kTokenizerFiles)
    if (fs::exists(checkpoint.folder / name))
      checkpoint.tokenizer_files.push_back(checkpoint.folder / name);
  return checkpoint;
}

}  // namespace lens::cli
