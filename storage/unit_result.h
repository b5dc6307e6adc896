#pragma once

#include <cstdint>
#include <vector>

#include "table/sample_record.h"
#include "table/token_rows.h"

namespace lens::storage {

using table::SampleRecord;
using table::SampleStatus;
using table::TokenRole;

// What one unit produced. Token rows of sample s lie at token_offset[s] ..
// token_offset[s+1]-1. A failed sample owns no token.
struct UnitResult {
  std::vector<SampleRecord> samples;
  std::vector<std::int64_t> token_offset = {0};  // [sample + 1]
  table::TokenRows tokens;
  // Which states are kept raw: [tokens.widths.hidden_layers].
  std::vector<std::int32_t> hidden_layer;

  bool operator==(const UnitResult&) const = default;
};

}  // namespace lens::storage
