#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "input/text/added_tokens.h"

namespace lens::text {

// The added tokens of a checkpoint folder, sorted by id:
//
// 1. those of tokenizer.json (`tokenizer_json`, null if there is none);
// 2. "added_tokens_decoder" of tokenizer_config.json, whose flags win over 1,
//    or, if it has none, added_tokens.json, which gives way to 1;
// 3. the tokens that tokenizer_config.json or special_tokens_map.json name as
//    end of text and the like: special, and added if only the vocabulary has
//    them. One that has no id anywhere is left out.
//
// Without a name for it "<|endoftext|>" is the end of text, as in Qwen2. Throws
// lens::InputError for an id that two contents claim, or a content with two.
std::vector<AddedToken> read_added_tokens(
    const std::filesystem::path& folder, const nlohmann::json& tokenizer_json,
    const std::unordered_map<std::string, std::int32_t>& vocabulary);

}  // namespace lens::text
