#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lens::data {

// One image of the data set with its questions.
struct Row {
  std::int64_t row = 0;          // over all files
  std::string key;               // its number, or what its id column says
  std::string language;          // "" where the data set names none
  std::vector<std::byte> image;  // encoded file; empty when null
  // Where the image was read, or would be, of a row that names it.
  std::filesystem::path picture;
  // One entry per sample. latex_ocr: question "", the answer is the formula.
  struct Question {
    std::string question;
    std::vector<std::string> answers;  // each counts as right
  };
  std::vector<Question> questions;
  // Why the row as a whole cannot be used (broken qa_pairs, no question, null
  // image, a row group that cannot be decoded). Every question then counts as
  // one failed sample, or the row as one where `questions` is empty: max(1,
  // questions.size()), as the outline says. Empty when usable.
  std::string failure;
};

}  // namespace lens::data
