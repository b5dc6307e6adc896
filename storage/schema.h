#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "storage/unit_result.h"

namespace lens::storage {

inline constexpr std::int32_t kFormatVersion = 1;
inline constexpr const char* kResultsFormat = "lens-results";
inline constexpr const char* kPartFormat = "lens-part";
inline constexpr const char* kVocabularyFormat = "lens-vocabulary";

// Slack of the valid ranges of float columns: rounding may leave the
// mathematical range by this much.
inline constexpr double kRangeSlack = 1e-3;

// Types of docs/format.md, section 1.
enum class ColumnType { kString, kInt64, kInt32, kUint8, kFloat };

// "str", "i8", "i4", "u1", "f4". Enters checksums: must not change.
std::string_view type_name(ColumnType type);
std::size_t type_bytes(ColumnType type);  // of one element in a chunk

enum class Dimension {
  kSample,
  kSampleBound,
  kToken,
  kLayer,
  kRank,
  kScript,
  kHiddenLayer,
  kHiddenSize,
};

// Name of its scale; kLayer, kRank and kScript have theirs at the root, the
// others in the group.
std::string_view dimension_name(Dimension dimension);
bool is_root_dimension(Dimension dimension);

// Lengths of all dimensions of one group.
struct Extents {
  std::int64_t samples = 0;
  std::int64_t tokens = 0;
  std::int64_t layers = 0;
  std::int64_t ranks = 0;
  std::int64_t scripts = 0;
  std::int64_t hidden_layers = 0;  // 0: no hidden column
  std::int64_t hidden_size = 0;

  std::int64_t length(Dimension dimension) const;
  bool operator==(const Extents&) const = default;
};

Extents extents_of(const UnitResult& result);

// Where the values of a column live in memory. monostate: token_sample, which
// follows from token_offset.
using ColumnField = std::variant<
    std::monostate, std::string SampleRecord::*, std::int64_t SampleRecord::*,
    std::int32_t SampleRecord::*, float SampleRecord::*,
    SampleStatus SampleRecord::*, std::vector<float> SampleRecord::*,
    std::vector<std::int64_t> UnitResult::*,
    std::vector<std::int32_t> UnitResult::*,
    std::vector<std::uint8_t> UnitResult::*, std::vector<float> UnitResult::*>;

// Upper end of the valid range where it depends on the vocabulary.
enum class VocabularyBound { kNone, kLastId, kSize, kLogSize };

struct Column {
  std::string_view name;
  ColumnType type;
  std::vector<Dimension> dimensions;  // the first one counts rows
  std::string_view units;             // "" for none
  std::string_view long_name;
  ColumnField field;
  double valid_min;  // NaN: none
  double valid_max;  // NaN: none, or see `bound`
  VocabularyBound bound;
  std::string_view flag_meanings;    // of 0, 1, 2, ...; "" for none
  std::string_view extra_attribute;  // name and value of one more text
  std::string_view extra_value;

  bool is_hidden() const;
  // Elements of one row.
  std::int64_t row_elements(const Extents& extents) const;
  std::vector<std::int64_t> shape(const Extents& extents) const;
};

// All columns of a group, in the order of docs/format.md. The order enters the
// checksums: it must not change.
const std::vector<Column>& all_columns();

// Those that a group of these extents has.
std::vector<const Column*> columns_for(const Extents& extents);

// Null where there is none of this name.
const Column* find_column(std::string_view name);

}  // namespace lens::storage
