#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace lens::model {

// What a checkpoint says of generating. Without generation_config.json the end
// tokens are those of config.json, as transformers makes the one of the other.
struct GenerationConfig {
  bool present = false;  // there is a generation_config.json
  std::vector<std::int64_t> end_ids;
  double repetition_penalty = 1.0;
  // "KEY = VALUE" of every setting by which transformers' greedy search would
  // choose other tokens, and which Lens does not follow.
  std::vector<std::string> unfollowed;
  // Likewise of those that do not reach greedy search as Lens runs it:
  // sampling, and lengths, of which --max-new-tokens is the one that counts.
  std::vector<std::string> set_aside;

  // Throws lens::InputError for a file that cannot be used.
  static GenerationConfig load(const std::filesystem::path& checkpoint,
                               std::vector<std::int64_t> config_end_ids);
};

// The ids of an eos_token_id: one, a list, or none where it is null. Throws
// lens::InputError naming `file` for anything else.
std::vector<std::int64_t> read_end_ids(const nlohmann::json& value,
                                       const std::filesystem::path& file);

}  // namespace lens::model
