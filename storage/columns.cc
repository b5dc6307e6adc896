#include "storage/columns.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include "base/error.h"
#include "base/storable_text.h"

namespace lens::storage {
namespace {

template <class Value>
ColumnView keep(std::vector<Value> values, ColumnValues& scratch) {
  return std::span<const Value>(
      scratch.emplace<std::vector<Value>>(std::move(values)));
}

// Sample records -> one column.
template <class Field>
ColumnView gather(Field SampleRecord::*field, const UnitResult& result,
                  ColumnValues& scratch) {
  if constexpr (std::is_same_v<Field, std::vector<float>>) {
    std::vector<float> values;
    values.reserve(result.samples.size() * result.layers);
    for (const SampleRecord& sample : result.samples) {
      const auto& row = sample.*field;
      values.insert(values.end(), row.begin(), row.end());
      // A failed sample may come without values: they are NaN.
      values.insert(values.end(), result.layers - row.size(),
                    std::numeric_limits<float>::quiet_NaN());
    }
    return keep(std::move(values), scratch);
  } else {
    using Value = std::conditional_t<std::is_same_v<Field, SampleStatus>,
                                     std::uint8_t, Field>;
    std::vector<Value> values;
    values.reserve(result.samples.size());
    for (const SampleRecord& sample : result.samples) {
      if constexpr (std::is_same_v<Field, std::string>) {
        values.push_back(storable_text(sample.*field));
      } else {
        values.push_back(static_cast<Value>(sample.*field));
      }
    }
    return keep(std::move(values), scratch);
  }
}

ColumnView offsets(const UnitResult& result, const RowBase& base,
                   ColumnValues& scratch) {
  std::vector<std::int64_t> values;
  values.reserve(result.token_offset.size());
  for (std::size_t i = base.samples == 0 ? 0 : 1;
       i < result.token_offset.size(); ++i) {
    values.push_back(base.tokens + result.token_offset[i]);
  }
  return keep(std::move(values), scratch);
}

ColumnView token_samples(const UnitResult& result, const RowBase& base,
                         ColumnValues& scratch) {
  std::vector<std::int32_t> values;
  values.reserve(result.token_id.size());
  for (std::size_t s = 0; s < result.samples.size(); ++s) {
    values.insert(
        values.end(), result.token_offset[s + 1] - result.token_offset[s],
        static_cast<std::int32_t>(base.samples + static_cast<std::int64_t>(s)));
  }
  return keep(std::move(values), scratch);
}

template <class Field, class Values>
void scatter(Field SampleRecord::*field, Values& values, UnitResult& result) {
  auto& samples = result.samples;
  if constexpr (std::is_same_v<Field, std::vector<float>>) {
    if constexpr (std::is_same_v<Values, std::vector<float>>) {
      for (std::size_t i = 0; i < samples.size(); ++i) {
        const auto row = values.begin() + i * result.layers;
        (samples[i].*field).assign(row, row + result.layers);
      }
    }
  } else {
    using Value = typename Values::value_type;
    if constexpr (std::is_same_v<Field, SampleStatus>
                      ? std::is_same_v<Value, std::uint8_t>
                      : std::is_same_v<Value, Field>) {
      for (std::size_t i = 0; i < samples.size(); ++i) {
        samples[i].*field = static_cast<Field>(std::move(values[i]));
      }
    }
  }
}

template <class Values>
void scatter(Values UnitResult::*field, Values& values, UnitResult& result) {
  result.*field = std::move(values);
}

template <class Field, class Values>
void scatter(Field UnitResult::*, Values&, UnitResult&) {}

template <class Values>
void scatter(std::monostate, Values&, UnitResult&) {}

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
    require(
        means == static_cast<std::size_t>(result.layers) || (!ok && means == 0),
        name, named("has an entropy_mean of a wrong length"));
  }
}

}  // namespace

RowBase next(const RowBase& base, const UnitResult& result) {
  return {.samples =
              base.samples + static_cast<std::int64_t>(result.samples.size()),
          .tokens =
              base.tokens + static_cast<std::int64_t>(result.token_id.size())};
}

ColumnView column_view(const Column& column, const UnitResult& result,
                       const RowBase& base, ColumnValues& scratch) {
  return std::visit(
      [&](auto field) -> ColumnView {
        using Field = decltype(field);
        if constexpr (std::is_same_v<Field, std::monostate>) {
          return token_samples(result, base, scratch);
        } else if constexpr (std::is_same_v<Field, std::vector<std::int64_t>
                                                       UnitResult::*>) {
          return offsets(result, base, scratch);
        } else if constexpr (std::is_invocable_v<Field, const UnitResult&>) {
          const auto& values = result.*field;
          if (column.dimensions[0] == Dimension::kHiddenLayer &&
              base.samples > 0) {
            return std::span(values).first(0);
          }
          return std::span(values);
        } else {
          return gather(field, result, scratch);
        }
      },
      column.field);
}

void assign_column(const Column& column, ColumnValues values,
                   UnitResult& result) {
  std::visit([&](auto field, auto& typed) { scatter(field, typed, result); },
             column.field, values);
}

std::size_t element_count(const ColumnView& view) {
  return std::visit([](const auto& values) { return values.size(); }, view);
}

void check_unit(const UnitResult& result, const std::string& name) {
  require(result.layers > 0 && result.ranks > 0 && result.scripts > 0, name,
          "layers, ranks and scripts must be positive");
  const auto& offset = result.token_offset;
  require(offset.size() == result.samples.size() + 1, name,
          "token_offset must have one entry more than there are samples");
  require(offset.front() == 0, name, "token_offset must begin with 0");
  require(offset.back() == static_cast<std::int64_t>(result.token_id.size()),
          name, "token_offset must end with the number of tokens");
  require((result.hidden_layer.empty()) == (result.hidden_size == 0) &&
              result.hidden_size >= 0,
          name, "hidden_layer and hidden_size must come together");
  const Extents extents = extents_of(result);
  for (const Column& column : all_columns()) {
    std::visit(
        [&](auto field) {
          if constexpr (std::is_invocable_v<decltype(field),
                                            const UnitResult&>) {
            const std::int64_t rows = extents.length(column.dimensions[0]);
            require(static_cast<std::int64_t>((result.*field).size()) ==
                        rows * column.row_elements(extents),
                    name, std::string(column.name) + " has a wrong length");
          }
        },
        column.field);
  }
  for (const std::uint8_t role : result.token_role) {
    require(role <= static_cast<std::uint8_t>(TokenRole::kEndOfAnswer), name,
            "token_role holds an unknown role");
  }
  check_samples(result, name);
}

}  // namespace lens::storage
