#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "input/text/added_tokens.h"
#include "input/text/bpe.h"

namespace lens::text {

// What the files of a checkpoint folder say about its tokenizer, checked: every
// id in [0, kIdLimit), no id for two contents, no content with two ids, every
// merge between tokens of the vocabulary and into one of them.
struct TokenizerFiles {
  std::unordered_map<std::string, std::int32_t> vocabulary;  // by spelling
  std::vector<Merge> merges;                                 // by rank
  std::vector<AddedToken> added;                             // by id
};

// Reads tokenizer.json, or else vocab.json and merges.txt, and what the folder
// says of added tokens (read_added_tokens). Throws lens::InputError.
TokenizerFiles read_tokenizer_files(const std::filesystem::path& folder);

// A line where vocab.json says another vocabulary than the tokenizer.json that
// is read. Throws lens::InputError.
std::optional<std::string> tokenizer_note(const std::filesystem::path& folder);

}  // namespace lens::text
