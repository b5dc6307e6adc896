#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lens::cli {

// What planning needs of a Qwen2-VL checkpoint folder, read without torch.
struct Checkpoint {
  std::filesystem::path folder;  // absolute
  int num_layers = 0;
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::string dtype;  // "float32", "bfloat16" or "float16"
  // Everything beside the tokenizer that decides results: config.json, the
  // weights with their index, and where present generation_config.json (end
  // tokens) and preprocessor_config.json (image normalisation).
  std::vector<std::filesystem::path> model_files;
  std::vector<std::filesystem::path> tokenizer_files;
  std::int64_t parameters = 0;  // stored values, over all weight files
};

// Reads config.json in its three layouts, the index and the headers of the
// weight files. Throws lens::InputError that names what is missing or wrong.
Checkpoint read_checkpoint(const std::filesystem::path& folder);

}  // namespace lens::cli
