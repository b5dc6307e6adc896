#include "model/checkpoint/generation_config.h"

#include <array>
#include <utility>

#include "base/error.h"
#include "input/file/input_file.h"
#include "input/file/json_object.h"
#include "model/checkpoint/config_section.h"

namespace lens::model {
namespace {

using nlohmann::json;

constexpr std::size_t kShownBytes = 60;

// A setting and the number that leaves greedy search as it is; so do null,
// false and an empty list or object for all of them.
struct Setting {
  const char* key;
  double neutral;
};

// Of transformers 5.17's GenerationConfig: what adds a processor of scores, a
// stopping criterion or another way to search when nothing is sampled.
constexpr std::array<Setting, 24> kSearch = {{
    {"bad_words_ids", 0},
    {"begin_suppress_tokens", 0},
    {"constraints", 0},
    {"diversity_penalty", 0},
    {"dola_layers", 0},
    {"encoder_no_repeat_ngram_size", 0},
    {"encoder_repetition_penalty", 1},
    {"exponential_decay_length_penalty", 0},
    {"force_words_ids", 0},
    {"forced_bos_token_id", -1},
    {"forced_eos_token_id", -1},
    {"guidance_scale", 1},
    {"max_time", -1},
    {"min_length", 0},
    {"min_new_tokens", 0},
    {"no_repeat_ngram_size", 0},
    {"num_beam_groups", 1},
    {"num_beams", 1},
    {"penalty_alpha", 0},
    {"sequence_bias", 0},
    {"stop_strings", 0},
    {"suppress_tokens", 0},
    {"token_healing", 0},
    {"watermarking_config", 0},
}};
constexpr std::array kLengths = {"max_length", "max_new_tokens"};

bool is_neutral(const json& value, double number) {
  if (value.is_null() || value == json(false)) return true;
  if (value.is_structured() || value.is_string()) {
    return value.empty() || value == json("");
  }
  return value.is_number() && value.get<double>() == number;
}

std::string shown(const char* key, const json& value) {
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true,
                                json::error_handler_t::replace);
  if (text.size() > kShownBytes) text = text.substr(0, kShownBytes) + "...";
  return std::string(key) + " = " + text;
}

// Sampling from one candidate is greedy search.
bool samples(const JsonSection& section) {
  // 50 is transformers' default. Qwen2-VL's files sample, but from one.
  return section.boolean_or("do_sample", false) &&
         section.integer_or("top_k", 50, 0, 1 << 24) != 1;
}

}  // namespace

std::vector<std::int64_t> read_end_ids(const json& value,
                                       const std::filesystem::path& file) {
  std::vector<std::int64_t> ids;
  if (value.is_null()) return ids;
  const json list = value.is_array() ? value : json::array({value});
  for (const json& id : list) {
    if (!id.is_number_integer() || id.get<std::int64_t>() < 0) {
      throw InputError("cannot use " + file.string(),
                       "eos_token_id is not a token id or a list of them",
                       "check that it is the file of a supported checkpoint");
    }
    ids.push_back(id.get<std::int64_t>());
  }
  return ids;
}

GenerationConfig GenerationConfig::load(
    const std::filesystem::path& checkpoint,
    std::vector<std::int64_t> config_end_ids) {
  GenerationConfig config;
  config.end_ids = std::move(config_end_ids);
  const auto file = checkpoint / "generation_config.json";
  config.present = has_file(file);
  if (!config.present) return config;

  const json values = read_json_object(file);
  const JsonSection section = config_section(&values, file);
  // A file without end tokens has none: transformers does not look further.
  config.end_ids = read_end_ids(values.value("eos_token_id", json()), file);
  config.repetition_penalty =
      section.number_or("repetition_penalty", config.repetition_penalty);
  for (const Setting& setting : kSearch) {
    const json* value = section.find(setting.key);
    if (value && !is_neutral(*value, setting.neutral)) {
      config.unfollowed.push_back(shown(setting.key, *value));
    }
  }
  if (samples(section)) config.set_aside.emplace_back("do_sample = true");
  for (const char* key : kLengths) {
    if (const json* value = section.find(key)) {
      config.set_aside.push_back(shown(key, *value));
    }
  }
  return config;
}

}  // namespace lens::model
