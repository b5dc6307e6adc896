#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace lens::data {

// One image of the data set with its questions.
struct Row {
  std::int64_t row = 0;          // over all files
  std::string language;          // "" for latex_ocr
  std::vector<std::byte> image;  // encoded file; empty when null
  // One entry per sample. latex_ocr: question "", answer = the formula.
  struct Question {
    std::string question;
    std::string answer;
  };
  std::vector<Question> questions;
  // Why the row as a whole cannot be used (broken qa_pairs, no question, null
  // image, a row group that cannot be decoded). Every question then counts as
  // one failed sample, or the row as one where `questions` is empty: max(1,
  // questions.size()), as the outline says. Empty when usable.
  std::string failure;
};

}  // namespace lens::data
