#pragma once

#include <string>
#include <string_view>

namespace lens::data {

// Two readings of the same rules, as the two data sets' scorers have them.
enum class VqaStyle {
  kTextVqa,  // commas, question marks and capitals go first
  kVqaV2,
};

// An answer as the VQA evaluation compares it: without punctuation and
// articles, numbers as digits, contractions with their apostrophes.
std::string vqa_answer(std::string_view answer, VqaStyle style);

}  // namespace lens::data
