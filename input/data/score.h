#pragma once

#include <string_view>

#include "input/data/dataset.h"

namespace lens::data {

// mtvqa: 1 when the reference, stripped and lower-cased, is a substring of the
// answer, stripped, lower-cased and without "." (scripts/acc.py of the data
// set's repository), else 0.
// latex_ocr: 1 - Levenshtein distance / longer length, over code points after
// all white space is removed; 1 when both are empty.
float score(DatasetKind kind, std::string_view answer,
            std::string_view reference);

}  // namespace lens::data
