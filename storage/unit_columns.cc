#include "storage/unit_columns.h"

#include <limits>
#include <span>
#include <type_traits>
#include <variant>

#include "base/error.h"
#include "base/storable_text.h"

namespace lens::storage {
namespace {

using table::Column;
using table::ColumnValues;
using table::ColumnView;
using table::Dimension;
using table::Extents;

template <class Value>
ColumnView keep(std::vector<Value> values, ColumnValues& scratch) {
  return std::span<const Value>(
      scratch.emplace<std::vector<Value>>(std::move(values)));
}

// How a field of the records is stored.
template <class Field>
struct Stored {
  using Value = Field;
};
template <>
struct Stored<SampleStatus> {
  using Value = std::uint8_t;
};
template <>
struct Stored<std::vector<float>> {
  using Value = float;
};

// Sample records -> one column.
template <class Field>
ColumnView gather(Field SampleRecord::*field, const UnitResult& result,
                  ColumnValues& scratch) {
  std::vector<typename Stored<Field>::Value> values;
  if constexpr (std::is_same_v<Field, std::vector<float>>) {
    const auto layers = static_cast<std::size_t>(result.tokens.widths.layers);
    values.reserve(result.samples.size() * layers);
    for (const SampleRecord& sample : result.samples) {
      const auto& row = sample.*field;
      values.insert(values.end(), row.begin(), row.end());
      // A failed sample may come without values: they are NaN.
      values.insert(values.end(), layers - row.size(),
                    std::numeric_limits<float>::quiet_NaN());
    }
  } else {
    values.reserve(result.samples.size());
    for (const SampleRecord& sample : result.samples) {
      if constexpr (std::is_same_v<Field, std::string>) {
        values.push_back(storable_text(sample.*field));
      } else {
        values.push_back(
            static_cast<typename Stored<Field>::Value>(sample.*field));
      }
    }
  }
  return keep(std::move(values), scratch);
}

// One column -> sample records.
template <class Field>
void scatter(Field SampleRecord::*field, ColumnValues& values,
             std::vector<SampleRecord>& samples) {
  auto& typed = std::get<std::vector<typename Stored<Field>::Value>>(values);
  const std::size_t length =
      samples.empty() ? 0 : typed.size() / samples.size();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if constexpr (std::is_same_v<Field, std::vector<float>>) {
      const auto row = std::span(typed).subspan(i * length, length);
      (samples[i].*field).assign(row.begin(), row.end());
    } else {
      samples[i].*field = static_cast<Field>(std::move(typed[i]));
    }
  }
}

ColumnView offsets(const UnitResult& result, const RowBase& base,
                   ColumnValues& scratch) {
  std::vector<std::int64_t> values;
  values.reserve(result.token_offset.size());
  // There is one offset more than samples: the first of a piece is the last of
  // the piece before it.
  for (std::size_t i = base.samples == 0 ? 0 : 1;
       i < result.token_offset.size(); ++i) {
    values.push_back(base.tokens + result.token_offset[i]);
  }
  return keep(std::move(values), scratch);
}

ColumnView token_samples(const UnitResult& result, const RowBase& base,
                         ColumnValues& scratch) {
  std::vector<std::int32_t> values;
  values.reserve(result.tokens.size());
  for (std::size_t s = 0; s < result.samples.size(); ++s) {
    values.insert(
        values.end(), result.token_offset[s + 1] - result.token_offset[s],
        static_cast<std::int32_t>(base.samples + static_cast<std::int64_t>(s)));
  }
  return keep(std::move(values), scratch);
}

void require(bool holds, const std::string& name, const std::string& what) {
  if (!holds) {
    throw StorageError(name + " is inconsistent (" + what +
                       "); it cannot be stored or used, make it again");
  }
}

void check_samples(const UnitResult& result, const std::string& name) {
  const auto& offset = result.token_offset;
  for (std::size_t s = 0; s < result.samples.size(); ++s) {
    const SampleRecord& sample = result.samples[s];
    const auto named = [&](const char* what) {
      return "sample " + std::to_string(s) + " " + what;
    };
    require(offset[s] <= offset[s + 1], name,
            named("begins behind its end in token_offset"));
    const bool ok = sample.status == SampleStatus::kOk;
    require(ok || sample.status == SampleStatus::kFailed, name,
            named("has an unknown status"));
    require(ok || offset[s] == offset[s + 1], name,
            named("failed but owns tokens"));
    const std::size_t means = sample.entropy_mean.size();
    require(means == static_cast<std::size_t>(result.tokens.widths.layers) ||
                (!ok && means == 0),
            name, named("has an entropy_mean of a wrong length"));
  }
}

}  // namespace

table::ColumnSet columns_kept(const RunConfig& config) {
  table::ColumnSet columns = table::Widths().columns;
  if (config.attention != kNoAttention) columns |= table::attention_columns();
  return columns;
}

Extents extents_of(const UnitResult& result) {
  return {.samples = static_cast<std::int64_t>(result.samples.size()),
          .tokens = static_cast<std::int64_t>(result.tokens.size()),
          .widths = result.tokens.widths};
}

RowBase next(const RowBase& base, const UnitResult& result) {
  const Extents extents = extents_of(result);
  return {.samples = base.samples + extents.samples,
          .tokens = base.tokens + extents.tokens};
}

ColumnView column_view(const Column& column, const UnitResult& result,
                       const RowBase& base, ColumnValues& scratch) {
  switch (column.axes[0]) {
    case Dimension::kSampleBound:
      return offsets(result, base, scratch);
    case Dimension::kHiddenLayer:
      // The same for all pieces of a group, so only the first brings it.
      return std::span(result.hidden_layer)
          .first(base.samples > 0 ? 0 : result.hidden_layer.size());
    case Dimension::kToken:
      if (column.derived) return token_samples(result, base, scratch);
      return table::view_of(result.tokens.values(column));
    default:
      break;
  }
  return std::visit(
      [&]<class Field>(Field field) -> ColumnView {
        if constexpr (std::is_same_v<Field, std::monostate>) {
          return table::view_of(scratch = table::no_values(column.type));
        } else {
          return gather(field, result, scratch);
        }
      },
      column.field);
}

void assign_records(const Column& column, ColumnValues values,
                    std::vector<SampleRecord>& samples) {
  std::visit(
      [&]<class Field>(Field field) {
        if constexpr (!std::is_same_v<Field, std::monostate>) {
          scatter(field, values, samples);
        }
      },
      column.field);
}

void check_unit(const UnitResult& result, const std::string& name) {
  const table::Widths& widths = result.tokens.widths;
  require(widths.layers > 0 && widths.ranks > 0 && widths.scripts > 0, name,
          "layers, ranks and scripts must be positive");
  const auto& offset = result.token_offset;
  require(offset.size() == result.samples.size() + 1, name,
          "token_offset must have one entry more than there are samples");
  require(offset.front() == 0, name, "token_offset must begin with 0");
  const Extents extents = extents_of(result);
  require(offset.back() == extents.tokens, name,
          "token_offset must end with the number of tokens");
  require((widths.hidden_layers == 0) == (widths.hidden_size == 0) &&
              widths.hidden_size >= 0 &&
              static_cast<std::int64_t>(result.hidden_layer.size()) ==
                  widths.hidden_layers,
          name, "hidden_layer and hidden_size must come together");
  for (const Column& column : table::kColumns) {
    if (!column.of_tokens()) continue;
    const std::int64_t rows = widths.has(column) ? extents.tokens : 0;
    require(static_cast<std::int64_t>(table::element_count(
                table::view_of(result.tokens.values(column)))) ==
                rows * widths.row_elements(column),
            name, std::string(column.name) + " has a wrong length");
  }
  for (const std::uint8_t role : result.tokens.get<"token_role">()) {
    require(role <= static_cast<std::uint8_t>(TokenRole::kEndOfAnswer), name,
            "token_role holds an unknown role");
  }
  check_samples(result, name);
}

}  // namespace lens::storage
