#pragma once

#include <span>

#include "storage/hdf5/hdf5.h"

namespace lens::storage {

// Reads rows [begin, end) of a data set of numbers as they are stored, past
// HDF5's filters: libdeflate inflates about twice as fast as the zlib that they
// use (bench/read_rows). `rows` holds exactly these rows.
//
// False, and `rows` is not to be used, where HDF5 has to do it: a data set that
// is not in chunks of whole rows, shuffled and deflated, as ours are; a damaged
// chunk, which HDF5 then describes; so few rows that its cache of chunks serves
// better. The file is not written meanwhile.
//
// Value is the data set's own type: int64_t, int32_t, uint8_t or float.
template <class Value>
bool read_chunks(const H5::DataSet& dataset, hsize_t begin, hsize_t end,
                 std::span<Value> rows);

}  // namespace lens::storage
