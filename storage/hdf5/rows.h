#pragma once

#include "storage/hdf5/hdf5.h"
#include "table/values.h"

namespace lens::storage::hdf5 {

using table::ColumnValues;
using table::ColumnView;

// Rows [begin, begin + the rows in `values`).
void write_rows(H5::DataSet& dataset, hsize_t begin, hsize_t rows,
                const ColumnView& values);
// Rows [begin, end), a block at a time where they are many.
ColumnValues read_rows(const H5::DataSet& dataset, ColumnType type,
                       hsize_t begin, hsize_t end);

}  // namespace lens::storage::hdf5
