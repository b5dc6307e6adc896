#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "table/sample_record.h"

namespace lens::table {

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
  kBlock,
  kRank,
  kScript,
  kHiddenLayer,
  kHiddenSize,
};

// Name of its scale; kLayer, kBlock, kRank and kScript have theirs at the root,
// the others in the group.
std::string_view dimension_name(Dimension dimension);
bool is_root_dimension(Dimension dimension);

// The dimensions of a column; the first one counts rows.
class Axes {
 public:
  constexpr Axes(std::initializer_list<Dimension> dimensions) {
    for (const Dimension dimension : dimensions) at_[size_++] = dimension;
  }

  constexpr const Dimension* begin() const { return at_.data(); }
  constexpr const Dimension* end() const { return at_.data() + size_; }
  constexpr std::size_t size() const { return size_; }
  constexpr Dimension operator[](std::size_t i) const { return at_[i]; }

 private:
  std::array<Dimension, 3> at_ = {};
  std::size_t size_ = 0;
};

// Upper end of the valid range where it depends on the vocabulary.
enum class VocabularyBound { kNone, kLastId, kSize, kLogSize };

// Which groups have a column.
enum class Presence {
  kAlways,
  kWithHidden,  // those that keep raw states
  kOptional,    // those of a program that knew it: it came after version 1
};

// The field of a record that a column has its rows from; monostate: the column
// has none.
using RecordField =
    std::variant<std::monostate, std::string SampleRecord::*,
                 std::int64_t SampleRecord::*, std::int32_t SampleRecord::*,
                 SampleStatus SampleRecord::*, float SampleRecord::*,
                 std::vector<float> SampleRecord::*>;

struct Range {
  double low;
  double high;
};

inline constexpr double kNoLimit = std::numeric_limits<double>::quiet_NaN();

struct Column {
  std::string_view name;
  ColumnType type;
  Axes axes;
  std::string_view units = "";  // "" for none
  std::string_view long_name;
  RecordField field = {};
  double valid_min = kNoLimit;
  double valid_max = kNoLimit;  // or see `bound`
  VocabularyBound bound = VocabularyBound::kNone;
  std::string_view flag_meanings = "";    // of 0, 1, 2, ...; "" for none
  std::string_view extra_attribute = "";  // name and value of one more text
  std::string_view extra_value = "";
  Presence presence = Presence::kAlways;
  // Says something of tokens that the model wrote: NaN in the rows of others.
  bool of_answers = false;
  // Follows from the other columns of its group, so that nothing but a file
  // holds it.
  bool derived = false;

  // Whether table::TokenRows holds it.
  constexpr bool of_tokens() const {
    return axes[0] == Dimension::kToken && !derived;
  }
  // Whether it says something of each state of a token: what the lens reads.
  constexpr bool of_states() const {
    return of_tokens() && axes.size() > 1 && axes[1] == Dimension::kLayer;
  }
  // Inclusive; kNoLimit where there is none.
  Range valid_range(std::int64_t vocabulary_size) const;
};

}  // namespace lens::table
