#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/manifest.h"
#include "storage/unit_result.h"
#include "table/columns.h"
#include "table/values.h"

namespace lens::storage {

// The columns of the list that a run keeps.
table::ColumnSet columns_kept(const RunConfig& config);

table::Extents extents_of(const UnitResult& result);

// Where a unit's rows begin in the group that it becomes a piece of.
struct RowBase {
  std::int64_t samples = 0;
  std::int64_t tokens = 0;
};

// Where the piece after `result` begins.
RowBase next(const RowBase& base, const UnitResult& result);

// The column's rows of `result`, as stored: text made storable, offsets and
// token_sample counted from `base`. Of token_offset the first entry is left out
// unless base.samples is 0, since the piece before ended with it; hidden_layer
// likewise is given once. The view lives as long as `result` and `scratch`.
// `result` holds the promises of check_unit().
table::ColumnView column_view(const table::Column& column,
                              const UnitResult& result, const RowBase& base,
                              table::ColumnValues& scratch);

// Places the rows of a column of samples into `samples`, of which there are as
// many. The values have the column's type.
void assign_records(const table::Column& column, table::ColumnValues values,
                    std::vector<SampleRecord>& samples);

// Lengths, offsets, and no tokens of failed samples. Throws StorageError that
// begins with `name`.
void check_unit(const UnitResult& result, const std::string& name);

}  // namespace lens::storage
