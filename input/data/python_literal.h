#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "input/data/row.h"

namespace lens::data {

// The value of MTVQA's qa_pairs column: a Python literal, a list of dicts with
// the keys 'question' and 'answer' (None reads as ""). All string forms that
// repr() writes are read: both quotes, \' \" \\ \n \r \t \xNN \uNNNN
// \UNNNNNNNN, adjacent strings, raw non-ASCII text. Throws lens::InputError
// that says where (character offset) and what was expected.
std::vector<Row::Question> parse_qa_pairs(std::string_view literal);

}  // namespace lens::data
