#pragma once

#include <cstdint>
#include <filesystem>

#include "storage/merge.h"

namespace lens::cli {

// Text and script class of the ids 0 .. vocab_size-1 of a checkpoint folder.
// Throws lens::InputError: no tokenizer, or one with more ids than the model.
storage::Vocabulary make_vocabulary(const std::filesystem::path& checkpoint,
                                    std::int64_t vocab_size);

}  // namespace lens::cli
