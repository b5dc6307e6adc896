#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "analysis/diff/pairing.h"
#include "storage/reader.h"

namespace lens::analysis::diff {

// The tokens that a run wrote for a sample, its end token included.
struct WrittenAnswer {
  std::vector<std::int32_t> tokens;
  bool ended = false;          // the last one is the end token
  std::int64_t first_row = 0;  // of the token columns

  // Those that a mean may be over.
  std::size_t answer_tokens() const { return tokens.size() - (ended ? 1 : 0); }
};

// One entry to each row of a data set, in the order of the file.
struct WrittenAnswers {
  std::vector<SampleKeyOf> samples;
  std::vector<WrittenAnswer> answers;
};

// Reads a few thousand rows at a time; memory holds the ids of the answers'
// tokens. Empty where the run has no such data set. Throws StorageError.
WrittenAnswers read_answers(const storage::ResultsReader& results,
                            std::string_view dataset);

}  // namespace lens::analysis::diff
