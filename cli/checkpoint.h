#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "model/checkpoint/generation_config.h"
#include "model/description.h"

namespace lens::cli {

// What planning needs of a checkpoint folder, read without torch.
struct Checkpoint {
  std::filesystem::path folder;  // absolute; in the Hub's cache a revision's
  std::string name;              // of the folder as it was given
  int num_layers = 0;
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t image_token_id = 0;
  std::string dtype;  // "float32", "bfloat16" or "float16"
  // Everything beside the tokenizer that decides results: config.json, the
  // weights with their index, and where present generation_config.json (end
  // tokens), preprocessor_config.json and processor_config.json (images).
  std::vector<std::filesystem::path> model_files;
  std::vector<std::filesystem::path> tokenizer_files;
  std::int64_t parameters = 0;  // values of the weights that are used
  // The numbers of ranks that can share them, 1 first.
  std::vector<model::Spread> spreads;
  int num_heads = 0;
  int num_kv_heads = 0;
  // What generation_config.json asks for and --generation-config does not
  // follow (model/checkpoint/generation_config.h).
  model::GenerationConfig generation;
  // What was chosen where the files say two things or nothing, a line each.
  std::vector<std::string> notes;
};

// Reads the configurations, the index and the headers of the weight files, and
// checks them as a worker will: what it would refuse is refused here, before a
// byte is hashed. Throws lens::InputError that names what is missing or wrong.
Checkpoint read_checkpoint(const std::filesystem::path& folder);

}  // namespace lens::cli
