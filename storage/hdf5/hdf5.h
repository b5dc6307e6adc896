#pragma once

#include <H5Cpp.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "storage/hdf5/read_watch.h"
#include "table/column.h"

// The only door to HDF5, with attributes.h and rows.h. H5Cpp owns the handles;
// every failure of it, and every negative return of a C call, becomes
// StorageError. Included by sources only.

namespace lens::storage::hdf5 {

using table::ColumnType;

// Why the library failed, one line. Empties its error stack.
std::string reason(const H5::Exception& exception);

// Stops the library from printing its errors. Per thread; cheap to repeat.
void silence();

// Runs `body` with the library silent and turns its exceptions into
// StorageError: "cannot ACTION (HDF5: reason); REMEDY".
template <class Body>
auto call(const std::string& action, const std::string& remedy, Body&& body) {
  silence();
  const LibraryCall watched;
  try {
    return std::forward<Body>(body)();
  } catch (const H5::Exception& exception) {
    throw StorageError("cannot " + action + " (HDF5: " + reason(exception) +
                       "); " + remedy);
  }
}

// For return values of C calls inside call().
template <class Result>
Result checked(Result result) {
  if (result < 0) throw H5::LibraryIException("C call", "failed");
  return result;
}

// A file in memory only; nothing touches the disk.
H5::H5File create_image();
std::vector<std::byte> take_image(H5::H5File& file);
// `image` is copied.
H5::H5File open_image(std::span<const std::byte> image);

// How all files are opened: the earliest format that holds the content, and
// none of HDF5's own locks (they fail on some shared file systems, and our
// files are immutable once they bear their name).
H5::FileAccPropList file_access();
H5::H5File open_file(const std::filesystem::path& path);

// Closes a file that could not be written, ignoring what that says.
void abandon(H5::H5File& file) noexcept;

H5::DataType file_type(ColumnType type);
H5::DataType memory_type(ColumnType type);

using Lengths = std::vector<hsize_t>;

// One call of the library reads no more than this, so that who watches it sees
// steps (storage/hdf5/read_watch.h).
inline constexpr std::size_t kBlockBytes = std::size_t{32} << 20;

// A chunked, shuffled, deflated data set of fixed size. `chunk_rows` rows make
// a chunk. Data sets without elements get the same form.
H5::DataSet create_column(H5::Group& group, const std::string& name,
                          ColumnType type, const Lengths& lengths,
                          hsize_t chunk_rows);

// With a cache of one chunk, enough for who reads forward; the library's own
// takes 1 MiB for each data set.
H5::DataSet open_column(const H5::Group& group, const std::string& name,
                        ColumnType type, std::size_t row_bytes);

// A column in one piece, neither shuffled nor deflated: quick to write and
// read.
H5::DataSet create_plain(H5::Group& group, const std::string& name,
                         ColumnType type, const Lengths& lengths);

// Rows to a chunk: kChunkBytes of raw values, and no more rows than make a good
// chunk of short ones, at least 1. A writer waits for a chunk of each column,
// so this bounds its memory.
inline constexpr std::size_t kChunkBytes = 512 << 10;
inline constexpr hsize_t kMostChunkRows = 16 << 10;
inline constexpr hsize_t kMostTextChunkRows = 2 << 10;
hsize_t rows_per_chunk(ColumnType type, std::size_t row_bytes, hsize_t rows);

// Dimension scales.
void make_scale(H5::DataSet& dataset, const std::string& name);
// A dimension without values, as netCDF-4 writes it.
H5::DataSet create_length_scale(H5::Group& group, const std::string& name,
                                hsize_t length);
void attach_scale(H5::DataSet& dataset, const H5::DataSet& scale,
                  unsigned dimension);
bool scale_attached(const H5::DataSet& dataset, const H5::DataSet& scale,
                    unsigned dimension);

Lengths lengths_of(const H5::DataSet& dataset);
bool has_type(const H5::DataSet& dataset, ColumnType type);
// Links that lead elsewhere (soft, external) count as absent: a file speaks for
// itself alone.
bool has_link(const H5::Group& group, const std::string& name);
// Names of the child groups, sorted.
std::vector<std::string> child_groups(const H5::Group& group);

// Why the values of `dataset` cannot all lie in a file of this length, or "":
// it claims more than what is stored can unpack to, or they lie in other files.
// Looks at the index of its chunks, not at the values.
std::string missing_values(const H5::DataSet& dataset, std::int64_t file_bytes);

}  // namespace lens::storage::hdf5
