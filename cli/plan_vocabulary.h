#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "cli/checkpoint.h"
#include "storage/vocabulary.h"

namespace lens::cli {

// Throws lens::InputError: no tokenizer, one with more ids than the model, or
// one that no prompt can be built with.
void check_tokenizer(const Checkpoint& checkpoint,
                     const std::string& system_prompt);

// Text and script class of the ids 0 .. vocab_size-1 of a checkpoint folder.
// Throws lens::InputError as Tokenizer::load does.
storage::Vocabulary make_vocabulary(const std::filesystem::path& checkpoint,
                                    std::int64_t vocab_size);

}  // namespace lens::cli
