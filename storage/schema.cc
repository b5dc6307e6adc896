#include "storage/schema.h"

#include <limits>

namespace lens::storage {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kSlack = kRangeSlack;
using B = VocabularyBound;
using D = Dimension;
using S = SampleRecord;
using T = ColumnType;
using U = UnitResult;

std::vector<Column> make_columns() {
  const std::vector<D> sample = {D::kSample};
  const std::vector<D> token = {D::kToken};
  const std::vector<D> token_layer = {D::kToken, D::kLayer};
  const std::vector<D> token_layer_rank = {D::kToken, D::kLayer, D::kRank};
  const auto text = [&](std::string_view name, std::string_view long_name,
                        std::string S::*field) {
    return Column{name,  T::kString, sample,   "", long_name, field,
                  kNone, kNone,      B::kNone, "", "",        ""};
  };
  const auto count = [&](std::string_view name, std::string_view units,
                         std::string_view long_name, std::int32_t S::*field) {
    return Column{name, T::kInt32, sample,   units, long_name, field,
                  0,    kNone,     B::kNone, "",    "",        ""};
  };
  return {
      text("sample_id", "stable key of the sample: row or row.question",
           &S::sample_id),
      {"source_row", T::kInt64, sample, "1",
       "row in the input, all files counted in order", &S::source_row, 0, kNone,
       B::kNone, "", "", ""},
      count("question_index", "1", "question within the row",
            &S::question_index),
      text("language", "language as the data set names it", &S::language),
      text("prompt", "text after the image", &S::prompt),
      text("reference", "expected answer", &S::reference),
      text("answer", "answer of the model", &S::answer),
      text("failure", "reason where the sample failed", &S::failure),
      {"status", T::kUint8, sample, "", "outcome of the sample", &S::status, 0,
       1, B::kNone, "ok failed", "", ""},
      count("image_height", "pixel", "height of the image after rotation",
            &S::image_height),
      count("image_width", "pixel", "width of the image after rotation",
            &S::image_width),
      count("grid_height", "1", "rows of the patch grid", &S::grid_height),
      count("grid_width", "1", "columns of the patch grid", &S::grid_width),
      count("image_tokens", "1", "tokens of the image", &S::image_tokens),
      count("prompt_tokens", "1", "tokens of the whole prompt",
            &S::prompt_tokens),
      count("answer_tokens", "1", "tokens of the answer without the end token",
            &S::answer_tokens),
      {"score", T::kFloat, sample, "1", "score of the answer", &S::score, kNone,
       kNone, B::kNone, "", "", ""},
      {"entropy_mean",
       T::kFloat,
       {D::kSample, D::kLayer},
       "nat",
       "mean entropy over the answer tokens",
       &S::entropy_mean,
       -kSlack,
       kNone,
       B::kLogSize,
       "",
       "",
       ""},
      {"token_offset",
       T::kInt64,
       {D::kSampleBound},
       "1",
       "first token row of each sample, and the end",
       &U::token_offset,
       0,
       kNone,
       B::kNone,
       "",
       "sample_dimension",
       "token"},
      {"token_sample", T::kInt32, token, "1", "sample of the token row",
       std::monostate{}, 0, kNone, B::kNone, "", "instance_dimension",
       "sample"},
      {"token_id", T::kInt32, token, "1", "id of the predicted token",
       &U::token_id, 0, kNone, B::kLastId, "", "", ""},
      {"token_position", T::kInt32, token, "1",
       "position of the predicted token in the sequence", &U::token_position, 0,
       kNone, B::kNone, "", "", ""},
      {"token_role", T::kUint8, token, "", "role of the predicted token",
       &U::token_role, 0, 4, B::kNone,
       "template image question answer end_of_answer", "", ""},
      {"entropy", T::kFloat, token_layer, "nat",
       "entropy of the next-token distribution", &U::entropy, -kSlack, kNone,
       B::kLogSize, "", "", ""},
      {"kl_final", T::kFloat, token_layer, "nat",
       "Kullback-Leibler divergence KL(final || layer)", &U::kl_final, -kSlack,
       kNone, B::kNone, "", "", ""},
      {"target_logprob", T::kFloat, token_layer, "nat",
       "natural log-probability of token_id", &U::target_logprob, kNone, kSlack,
       B::kNone, "", "", ""},
      {"target_rank", T::kInt32, token_layer, "1",
       "1 + number of ids with a larger logit than token_id", &U::target_rank,
       1, kNone, B::kSize, "", "", ""},
      {"top_id", T::kInt32, token_layer_rank, "1", "ids by falling logit",
       &U::top_id, 0, kNone, B::kLastId, "", "", ""},
      {"top_logprob", T::kFloat, token_layer_rank, "nat",
       "natural log-probability of top_id", &U::top_logprob, kNone, kSlack,
       B::kNone, "", "", ""},
      {"script_share",
       T::kFloat,
       {D::kToken, D::kLayer, D::kScript},
       "1",
       "probability mass by script class of the token",
       &U::script_share,
       -kSlack,
       1 + kSlack,
       B::kNone,
       "",
       "",
       ""},
      {"hidden_layer",
       T::kInt32,
       {D::kHiddenLayer},
       "1",
       "states kept raw",
       &U::hidden_layer,
       0,
       kNone,
       B::kNone,
       "",
       "",
       ""},
      {"hidden",
       T::kFloat,
       {D::kToken, D::kHiddenLayer, D::kHiddenSize},
       "1",
       "raw states",
       &U::hidden,
       kNone,
       kNone,
       B::kNone,
       "",
       "",
       ""},
  };
}

}  // namespace

std::string_view type_name(ColumnType type) {
  switch (type) {
    case ColumnType::kString:
      return "str";
    case ColumnType::kInt64:
      return "i8";
    case ColumnType::kInt32:
      return "i4";
    case ColumnType::kUint8:
      return "u1";
    case ColumnType::kFloat:
      break;
  }
  return "f4";
}

std::size_t type_bytes(ColumnType type) {
  switch (type) {
    case ColumnType::kString:
      return 16;  // length, heap address and index
    case ColumnType::kInt64:
      return 8;
    case ColumnType::kUint8:
      return 1;
    case ColumnType::kInt32:
    case ColumnType::kFloat:
      break;
  }
  return 4;
}

std::string_view dimension_name(Dimension dimension) {
  switch (dimension) {
    case D::kSample:
      return "sample";
    case D::kSampleBound:
      return "sample_bound";
    case D::kToken:
      return "token";
    case D::kLayer:
      return "layer";
    case D::kRank:
      return "rank";
    case D::kScript:
      return "script";
    case D::kHiddenLayer:
      return "hidden_layer";
    case D::kHiddenSize:
      break;
  }
  return "hidden_size";
}

bool is_root_dimension(Dimension dimension) {
  return dimension == D::kLayer || dimension == D::kRank ||
         dimension == D::kScript;
}

std::int64_t Extents::length(Dimension dimension) const {
  switch (dimension) {
    case D::kSample:
      return samples;
    case D::kSampleBound:
      return samples + 1;
    case D::kToken:
      return tokens;
    case D::kLayer:
      return layers;
    case D::kRank:
      return ranks;
    case D::kScript:
      return scripts;
    case D::kHiddenLayer:
      return hidden_layers;
    case D::kHiddenSize:
      break;
  }
  return hidden_size;
}

Extents extents_of(const UnitResult& result) {
  return {
      .samples = static_cast<std::int64_t>(result.samples.size()),
      .tokens = static_cast<std::int64_t>(result.token_id.size()),
      .layers = result.layers,
      .ranks = result.ranks,
      .scripts = result.scripts,
      .hidden_layers = static_cast<std::int64_t>(result.hidden_layer.size()),
      .hidden_size = result.hidden_size};
}

bool Column::is_hidden() const {
  return name == "hidden" || name == "hidden_layer";
}

std::int64_t Column::row_elements(const Extents& extents) const {
  std::int64_t elements = 1;
  for (std::size_t i = 1; i < dimensions.size(); ++i) {
    elements *= extents.length(dimensions[i]);
  }
  return elements;
}

std::vector<std::int64_t> Column::shape(const Extents& extents) const {
  std::vector<std::int64_t> lengths;
  for (const Dimension dimension : dimensions) {
    lengths.push_back(extents.length(dimension));
  }
  return lengths;
}

const std::vector<Column>& all_columns() {
  static const std::vector<Column> columns = make_columns();
  return columns;
}

std::vector<const Column*> columns_for(const Extents& extents) {
  std::vector<const Column*> columns;
  for (const Column& column : all_columns()) {
    if (!column.is_hidden() || extents.hidden_layers > 0) {
      columns.push_back(&column);
    }
  }
  return columns;
}

const Column* find_column(std::string_view name) {
  for (const Column& column : all_columns()) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

}  // namespace lens::storage
