#pragma once

#include <algorithm>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <vector>

#include "table/column.h"

namespace lens::table {

// THE list of columns: what the lens puts out, what parts and results.h5 hold,
// what is checked, read and exported follows from it, and tests hold
// docs/format.md against it. The order is that of the document and enters the
// checksums: what is here stays in its place, a new column comes behind those
// of its axes and is Presence::kOptional.
inline constexpr Column kColumns[] = {
    {.name = "sample_id",
     .type = ColumnType::kString,
     .axes = {Dimension::kSample},
     .long_name = "stable key of the sample: row or row.question",
     .field = &SampleRecord::sample_id},
    {.name = "source_row",
     .type = ColumnType::kInt64,
     .axes = {Dimension::kSample},
     .units = "1",
     .long_name = "row in the input, all files counted in order",
     .field = &SampleRecord::source_row,
     .valid_min = 0},
    {.name = "question_index",
     .type = ColumnType::kInt32,
     .axes = {Dimension::kSample},
     .units = "1",
     .long_name = "question within the row",
     .field = &SampleRecord::question_index,
     .valid_min = 0},
    {.name = "language",
     .type = ColumnType::kString,
     .axes = {Dimension::kSample},
     .long_name = "language as the data set names it",
     .field = &SampleRecord::language},
    {.name = "prompt",
     .type = ColumnType::kString,
     .axes = {Dimension::kSample},
     .long_name = "text after the image",
     .field = &SampleRecord::prompt},
    {.name = "reference",
     .type = ColumnType::kString,
     .axes = {Dimension::kSample},
     .long_name = "expected answer",
     .field = &SampleRecord::reference},
    {.name = "answer",
     .type = ColumnType::kString,
     .axes = {Dimension::kSample},
     .long_name = "answer of the model",
     .field = &SampleRecord::answer},
    {.name = "failure",
     .type = ColumnType::kString,
     .axes = {Dimension::kSample},
     .long_name = "reason where the sample failed",
     .field = &SampleRecord::failure},
    {.name = "status",
     .type = ColumnType::kUint8,
     .axes = {Dimension::kSample},
     .long_name = "outcome of the sample",
     .field = &SampleRecord::status,
     .valid_min = 0,
     .valid_max = 1,
     .flag_meanings = "ok failed"},
    {.name = "image_height",
     .type = ColumnType::kInt32,
     .axes = {Dimension::kSample},
     .units = "pixel",
     .long_name = "height of the image after rotation",
     .field = &SampleRecord::image_height,
     .valid_min = 0},
    {.name = "image_width",
     .type = ColumnType::kInt32,
     .axes = {Dimension::kSample},
     .units = "pixel",
     .long_name = "width of the image after rotation",
     .field = &SampleRecord::image_width,
     .valid_min = 0},
    {.name = "grid_height",
     .type = ColumnType::kInt32,
     .axes = {Dimension::kSample},
     .units = "1",
     .long_name = "rows of the patch grid",
     .field = &SampleRecord::grid_height,
     .valid_min = 0},
    {.name = "grid_width",
     .type = ColumnType::kInt32,
     .axes = {Dimension::kSample},
     .units = "1",
     .long_name = "columns of the patch grid",
     .field = &SampleRecord::grid_width,
     .valid_min = 0},
    {.name = "image_tokens",
     .type = ColumnType::kInt32,
     .axes = {Dimension::kSample},
     .units = "1",
     .long_name = "tokens of the image",
     .field = &SampleRecord::image_tokens,
     .valid_min = 0},
    {.name = "prompt_tokens",
     .type = ColumnType::kInt32,
     .axes = {Dimension::kSample},
     .units = "1",
     .long_name = "tokens of the whole prompt",
     .field = &SampleRecord::prompt_tokens,
     .valid_min = 0},
    {.name = "answer_tokens",
     .type = ColumnType::kInt32,
     .axes = {Dimension::kSample},
     .units = "1",
     .long_name = "tokens of the answer without the end token",
     .field = &SampleRecord::answer_tokens,
     .valid_min = 0},
    {.name = "score",
     .type = ColumnType::kFloat,
     .axes = {Dimension::kSample},
     .units = "1",
     .long_name = "score of the answer",
     .field = &SampleRecord::score},
    {.name = "entropy_mean",
     .type = ColumnType::kFloat,
     .axes = {Dimension::kSample, Dimension::kLayer},
     .units = "nat",
     .long_name = "mean entropy over the answer tokens",
     .field = &SampleRecord::entropy_mean,
     .valid_min = -kRangeSlack,
     .bound = VocabularyBound::kLogSize},
    {.name = "token_offset",
     .type = ColumnType::kInt64,
     .axes = {Dimension::kSampleBound},
     .units = "1",
     .long_name = "first token row of each sample, and the end",
     .valid_min = 0,
     .extra_attribute = "sample_dimension",
     .extra_value = "token"},
    {.name = "token_sample",
     .type = ColumnType::kInt32,
     .axes = {Dimension::kToken},
     .units = "1",
     .long_name = "sample of the token row",
     .valid_min = 0,
     .extra_attribute = "instance_dimension",
     .extra_value = "sample",
     .derived = true},
    {.name = "token_id",
     .type = ColumnType::kInt32,
     .axes = {Dimension::kToken},
     .units = "1",
     .long_name = "id of the predicted token",
     .valid_min = 0,
     .bound = VocabularyBound::kLastId},
    {.name = "token_position",
     .type = ColumnType::kInt32,
     .axes = {Dimension::kToken},
     .units = "1",
     .long_name = "position of the predicted token in the sequence",
     .valid_min = 0},
    {.name = "token_role",
     .type = ColumnType::kUint8,
     .axes = {Dimension::kToken},
     .long_name = "role of the predicted token",
     .valid_min = 0,
     .valid_max = 4,
     .flag_meanings = "template image question answer end_of_answer"},
    {.name = "entropy",
     .type = ColumnType::kFloat,
     .axes = {Dimension::kToken, Dimension::kLayer},
     .units = "nat",
     .long_name = "entropy of the next-token distribution",
     .valid_min = -kRangeSlack,
     .bound = VocabularyBound::kLogSize},
    {.name = "kl_final",
     .type = ColumnType::kFloat,
     .axes = {Dimension::kToken, Dimension::kLayer},
     .units = "nat",
     .long_name = "Kullback-Leibler divergence KL(final || layer)",
     .valid_min = -kRangeSlack},
    {.name = "target_logprob",
     .type = ColumnType::kFloat,
     .axes = {Dimension::kToken, Dimension::kLayer},
     .units = "nat",
     .long_name = "natural log-probability of token_id",
     .valid_max = kRangeSlack},
    {.name = "target_rank",
     .type = ColumnType::kInt32,
     .axes = {Dimension::kToken, Dimension::kLayer},
     .units = "1",
     .long_name = "1 + number of ids with a larger logit than token_id",
     .valid_min = 1,
     .bound = VocabularyBound::kSize},
    {.name = "varentropy",
     .type = ColumnType::kFloat,
     .axes = {Dimension::kToken, Dimension::kLayer},
     .units = "nat^2",
     .long_name = "variance of the information, sum of p (ln p + entropy)^2",
     .valid_min = -kRangeSlack,
     .presence = Presence::kOptional},
    {.name = "top_id",
     .type = ColumnType::kInt32,
     .axes = {Dimension::kToken, Dimension::kLayer, Dimension::kRank},
     .units = "1",
     .long_name = "ids by falling logit",
     .valid_min = 0,
     .bound = VocabularyBound::kLastId},
    {.name = "top_logprob",
     .type = ColumnType::kFloat,
     .axes = {Dimension::kToken, Dimension::kLayer, Dimension::kRank},
     .units = "nat",
     .long_name = "natural log-probability of top_id",
     .valid_max = kRangeSlack},
    {.name = "script_share",
     .type = ColumnType::kFloat,
     .axes = {Dimension::kToken, Dimension::kLayer, Dimension::kScript},
     .units = "1",
     .long_name = "probability mass by script class of the token",
     .valid_min = -kRangeSlack,
     .valid_max = 1 + kRangeSlack},
    {.name = "image_attention",
     .type = ColumnType::kFloat,
     .axes = {Dimension::kToken, Dimension::kBlock},
     .units = "1",
     .long_name = "attention of the predicting token on the image's tokens, "
                  "mean over heads",
     .valid_min = -kRangeSlack,
     .valid_max = 1 + kRangeSlack,
     .presence = Presence::kOptional,
     .of_answers = true},
    {.name = "image_attention_max",
     .type = ColumnType::kFloat,
     .axes = {Dimension::kToken, Dimension::kBlock},
     .units = "1",
     .long_name = "attention of the predicting token on the image's tokens, "
                  "largest of the heads",
     .valid_min = -kRangeSlack,
     .valid_max = 1 + kRangeSlack,
     .presence = Presence::kOptional,
     .of_answers = true},
    {.name = "image_attention_entropy",
     .type = ColumnType::kFloat,
     .axes = {Dimension::kToken, Dimension::kBlock},
     .units = "nat",
     .long_name = "entropy over the image's tokens of the attention on them, "
                  "heads averaged",
     .valid_min = -kRangeSlack,
     .presence = Presence::kOptional,
     .of_answers = true},
    {.name = "hidden_layer",
     .type = ColumnType::kInt32,
     .axes = {Dimension::kHiddenLayer},
     .units = "1",
     .long_name = "states kept raw",
     .valid_min = 0,
     .presence = Presence::kWithHidden},
    {.name = "hidden",
     .type = ColumnType::kFloat,
     .axes = {Dimension::kToken, Dimension::kHiddenLayer,
              Dimension::kHiddenSize},
     .units = "1",
     .long_name = "raw states",
     .presence = Presence::kWithHidden},
};

inline constexpr std::size_t kColumnCount = std::size(kColumns);

// Its place in the list, which `column` is of.
inline std::size_t index_of(const Column& column) {
  return static_cast<std::size_t>(&column - kColumns);
}

// Null where there is none of this name.
const Column* find_column(std::string_view name);

// Some of the columns, by index_of().
using ColumnSet = std::bitset<kColumnCount>;

// The name of a column as a template argument.
template <std::size_t size>
struct ColumnName {
  consteval ColumnName(const char (&name)[size]) {
    std::copy_n(name, size, text);
  }

  char text[size];
};

// Its place in the list. Does not compile for what is no name of a column.
template <ColumnName name>
consteval std::size_t column_index() {
  for (std::size_t i = 0; i < kColumnCount; ++i) {
    if (kColumns[i].name == name.text) return i;
  }
  throw "the list has no column of this name";
}

template <ColumnName... names>
ColumnSet columns_named() {
  ColumnSet set;
  (set.set(column_index<names>()), ...);
  return set;
}

// Of what the model looks at: a group has all of them or none.
inline ColumnSet attention_columns() {
  return columns_named<"image_attention", "image_attention_max",
                       "image_attention_entropy">();
}

// How long one row of each column is, and which columns a group has.
struct Widths {
  std::int64_t layers = 0;         // N+1 states
  std::int64_t ranks = 0;          // k
  std::int64_t scripts = 0;        // script classes
  std::int64_t hidden_layers = 0;  // states kept raw; 0: no hidden column
  std::int64_t hidden_size = 0;
  ColumnSet columns = ~attention_columns();  // all that need no flag

  bool has(const Column& column) const;
  // Elements of one row.
  std::int64_t row_elements(const Column& column) const;
  bool operator==(const Widths&) const = default;
};

// Lengths of all dimensions of one group.
struct Extents {
  std::int64_t samples = 0;
  std::int64_t tokens = 0;
  Widths widths = {};

  std::int64_t length(Dimension dimension) const;
  std::vector<std::int64_t> shape(const Column& column) const;
  bool operator==(const Extents&) const = default;
};

// Those of the list that a group of these widths has.
std::vector<const Column*> columns_of(const Widths& widths);

}  // namespace lens::table
