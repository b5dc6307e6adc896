#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/content.h"
#include "storage/hdf5/chunk_pipeline.h"
#include "storage/hdf5/hdf5.h"
#include "storage/unit_columns.h"
#include "storage/unit_hash.h"

namespace lens::storage {

// The scales that all groups share.
struct RootScales {
  H5::DataSet layer;
  std::optional<H5::DataSet> block;  // where attention is kept
  H5::DataSet rank;
  H5::DataSet script;
};

// /layer, /rank, /script and maybe /block with their values.
RootScales create_root_scales(H5::Group& root, const table::Widths& widths,
                              const std::vector<std::string>& script_names);

// Fills one group /DS with the columns of docs/format.md, piece by piece. Rows
// wait until they fill a chunk, so that each chunk is written once. May throw
// StorageError and H5::Exception.
class GroupWriter {
 public:
  // `total` is what all pieces together will have.
  GroupWriter(H5::Group group, const RootScales& scales,
              const table::Extents& total, std::int64_t vocabulary_size,
              ChunkPipeline& pipeline);

  // The piece has the layers, ranks, scripts and hidden states of `total`, and
  // holds the promises of check_unit().
  void append(const UnitResult& piece);

  // Writes what waits and the attribute content_sha256, which it returns.
  // Throws StorageError where the pieces did not give `total`.
  std::string finish();

 private:
  struct Output {
    const table::Column* column = nullptr;
    H5::DataSet dataset;
    hdf5::Lengths lengths;
    std::size_t row_bytes = 0;
    hsize_t chunk_rows = 0;
    hsize_t rows_written = 0;
    std::vector<std::byte> bytes;      // waiting numbers
    std::vector<std::string> strings;  // waiting text
  };

  void create_output(const table::Column& column, std::int64_t vocabulary_size);
  void attach_scales(const RootScales& scales);
  void take(Output& output, const table::ColumnView& values);
  void submit_chunk(Output& output);
  void flush_strings(Output& output);

  H5::Group group_;
  const table::Extents total_;
  ChunkPipeline& pipeline_;
  std::vector<Output> outputs_;
  ContentHasher hasher_;
  RowBase base_;
};

}  // namespace lens::storage
