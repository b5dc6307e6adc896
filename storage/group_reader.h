#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "storage/hdf5/hdf5.h"
#include "storage/unit_result.h"

namespace lens::storage {

// The columns of one group /DS, read lazily. The constructor checks that every
// column that is not optional is there, each with its type and a shape that
// agrees with the others, and that the file can hold as many values as it
// claims. Throws StorageError and H5::Exception.
class GroupReader {
 public:
  // `name` is for messages.
  GroupReader(H5::Group group, std::int64_t file_bytes, std::string name);

  const table::Extents& extents() const { return extents_; }
  const H5::Group& group() const { return group_; }

  // Null where the group has no such column.
  const table::Column* find(std::string_view column) const;

  // Rows [begin, end) of a column.
  table::ColumnValues read(const table::Column& column, std::int64_t begin,
                           std::int64_t end) const;

  // Samples [begin, end) with their tokens. Offsets count from `begin`. Checks
  // the lengths, the offsets and token_sample.
  UnitResult read_samples(std::int64_t begin, std::int64_t end) const;

  // The columns of `wanted` alone, of samples or of tokens, unchecked.
  std::vector<SampleRecord> read_records(std::int64_t begin, std::int64_t end,
                                         const table::ColumnSet& wanted) const;
  table::TokenRows read_tokens(std::int64_t begin, std::int64_t end,
                               const table::ColumnSet& wanted) const;

  // Throws where a dimension lacks its scale. `root` holds the shared ones.
  void check_scales(const H5::Group& root) const;

 private:
  [[noreturn]] void fail(const std::string& why) const;
  hdf5::Lengths lengths(std::string_view column, std::size_t rank) const;
  const H5::DataSet& open(const table::Column& column) const;
  void open_column(const table::Column& column, std::int64_t file_bytes);

  H5::Group group_;
  std::string name_;
  table::Extents extents_;
  // Kept open: each has a cache of its last chunks.
  std::map<std::string_view, H5::DataSet> open_;
};

}  // namespace lens::storage
