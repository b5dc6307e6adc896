#include "storage/group_writer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <numeric>

#include "storage/hdf5/attributes.h"
#include "storage/hdf5/rows.h"
#include "storage/vocabulary_group.h"

namespace lens::storage {
namespace {

using table::Column;
using table::ColumnType;
using table::Dimension;

H5::DataSet create_index_scale(H5::Group& root, const std::string& name,
                               std::int64_t length, std::string_view long_name,
                               std::int32_t first = 0) {
  const auto count = static_cast<hsize_t>(length);
  H5::DataSet scale = hdf5::create_column(root, name, ColumnType::kInt32,
                                          {count}, std::max<hsize_t>(count, 1));
  std::vector<std::int32_t> values(count);
  std::iota(values.begin(), values.end(), first);
  hdf5::write_rows(scale, 0, count, std::span<const std::int32_t>(values));
  hdf5::set(scale, "long_name", long_name);
  hdf5::set(scale, "units", "1");
  hdf5::make_scale(scale, name);
  return scale;
}

void set_number(H5::DataSet& dataset, const char* name, ColumnType type,
                double value) {
  switch (type) {
    case ColumnType::kInt64:
      return hdf5::set(dataset, name, static_cast<std::int64_t>(value));
    case ColumnType::kInt32:
      return hdf5::set(dataset, name, static_cast<std::int32_t>(value));
    case ColumnType::kUint8:
      return hdf5::set(dataset, name, static_cast<std::uint8_t>(value));
    case ColumnType::kFloat:
      return hdf5::set(dataset, name, static_cast<float>(value));
    case ColumnType::kString:
      return;
  }
}

void describe(H5::DataSet& dataset, const Column& column,
              std::int64_t vocabulary_size) {
  hdf5::set(dataset, "long_name", column.long_name);
  if (!column.units.empty()) hdf5::set(dataset, "units", column.units);
  if (column.type == ColumnType::kFloat) {
    hdf5::set(dataset, "_FillValue", std::numeric_limits<float>::quiet_NaN());
  }
  if (!column.flag_meanings.empty()) {
    const auto words = 1 + std::count(column.flag_meanings.begin(),
                                      column.flag_meanings.end(), ' ');
    std::vector<std::uint8_t> values(static_cast<std::size_t>(words));
    std::iota(values.begin(), values.end(), std::uint8_t{0});
    hdf5::set(dataset, "flag_values", values);
    hdf5::set(dataset, "flag_meanings", column.flag_meanings);
  } else {
    const auto [low, high] = column.valid_range(vocabulary_size);
    if (!std::isnan(low)) set_number(dataset, "valid_min", column.type, low);
    if (!std::isnan(high)) set_number(dataset, "valid_max", column.type, high);
  }
  if (!column.extra_attribute.empty()) {
    hdf5::set(dataset, std::string(column.extra_attribute), column.extra_value);
  }
}

}  // namespace

RootScales create_root_scales(H5::Group& root, const table::Widths& widths,
                              const std::vector<std::string>& script_names) {
  RootScales scales;
  scales.layer = create_index_scale(
      root, "layer", widths.layers,
      "state: 0 embedding, i output of decoder layer i-1, last after the norm");
  if ((widths.columns & table::attention_columns()).any()) {
    scales.block = create_index_scale(
        root, "block", widths.layers - 1,
        "decoder layer, from 1; block i makes state i of `layer`", 1);
  }
  scales.rank = create_index_scale(root, "rank", widths.ranks,
                                   "place among the top tokens, from 0");
  scales.script = create_script_scale(root, script_names);
  return scales;
}

GroupWriter::GroupWriter(H5::Group group, const RootScales& scales,
                         const table::Extents& total,
                         std::int64_t vocabulary_size, ChunkPipeline& pipeline)
    : group_(std::move(group)),
      total_(total),
      pipeline_(pipeline),
      hasher_(content_entries(total)) {
  for (const Column* column : table::columns_of(total_.widths)) {
    create_output(*column, vocabulary_size);
  }
  attach_scales(scales);
}

void GroupWriter::create_output(const Column& column,
                                std::int64_t vocabulary_size) {
  const std::string name(column.name);
  Output output;
  output.column = &column;
  for (const std::int64_t length : total_.shape(column)) {
    output.lengths.push_back(static_cast<hsize_t>(length));
  }
  output.row_bytes =
      static_cast<std::size_t>(total_.widths.row_elements(column)) *
      type_bytes(column.type);
  output.chunk_rows =
      hdf5::rows_per_chunk(column.type, output.row_bytes, output.lengths[0]);
  output.dataset = hdf5::create_column(group_, name, column.type,
                                       output.lengths, output.chunk_rows);
  describe(output.dataset, column, vocabulary_size);
  outputs_.push_back(std::move(output));
}

void GroupWriter::attach_scales(const RootScales& scales) {
  std::map<Dimension, H5::DataSet> of = {{Dimension::kLayer, scales.layer},
                                         {Dimension::kRank, scales.rank},
                                         {Dimension::kScript, scales.script}};
  if (scales.block) of[Dimension::kBlock] = *scales.block;
  for (Output& output : outputs_) {
    // A scale of its own. It stands before `hidden` in the list of columns,
    // which so finds it here.
    if (output.column->name == dimension_name(Dimension::kHiddenLayer)) {
      hdf5::make_scale(output.dataset, std::string(output.column->name));
      of[Dimension::kHiddenLayer] = output.dataset;
      continue;
    }
    for (std::size_t i = 0; i < output.lengths.size(); ++i) {
      const Dimension dimension = output.column->axes[i];
      auto found = of.find(dimension);
      if (found == of.end()) {
        found = of.emplace(dimension,
                           hdf5::create_length_scale(
                               group_, std::string(dimension_name(dimension)),
                               output.lengths[i]))
                    .first;
      }
      hdf5::attach_scale(output.dataset, found->second,
                         static_cast<unsigned>(i));
    }
  }
}

void GroupWriter::append(const UnitResult& piece) {
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    table::ColumnValues scratch;
    const table::ColumnView values =
        column_view(*outputs_[i].column, piece, base_, scratch);
    hasher_.add(i, values);
    take(outputs_[i], values);
  }
  base_ = next(base_, piece);
}

void GroupWriter::take(Output& output, const table::ColumnView& values) {
  if (const auto* texts = std::get_if<std::span<const std::string>>(&values)) {
    // Past the pipeline: a chunk of texts holds places in a heap, which the
    // library alone can fill.
    for (const std::string& text : *texts) {
      output.strings.push_back(text);
      if (output.strings.size() == output.chunk_rows) flush_strings(output);
    }
    return;
  }
  std::span<const std::byte> bytes = std::visit(
      [](const auto& numbers) { return std::as_bytes(numbers); }, values);
  const std::size_t chunk_bytes = output.chunk_rows * output.row_bytes;
  while (!bytes.empty()) {
    const std::size_t count =
        std::min(bytes.size(), chunk_bytes - output.bytes.size());
    output.bytes.insert(output.bytes.end(), bytes.begin(),
                        bytes.begin() + static_cast<std::ptrdiff_t>(count));
    bytes = bytes.subspan(count);
    if (output.bytes.size() == chunk_bytes) submit_chunk(output);
  }
}

// The last chunk of a column may reach beyond its end: padded with zeros.
void GroupWriter::submit_chunk(Output& output) {
  const std::size_t rows = output.bytes.size() / output.row_bytes;
  output.bytes.resize(output.chunk_rows * output.row_bytes);
  hdf5::Lengths offset(output.lengths.size(), 0);
  offset[0] = output.rows_written;
  pipeline_.submit(output.dataset, std::move(offset), std::move(output.bytes),
                   type_bytes(output.column->type));
  output.bytes = {};
  output.rows_written += rows;
}

void GroupWriter::flush_strings(Output& output) {
  const hsize_t rows = output.strings.size();
  hdf5::write_rows(output.dataset, output.rows_written, rows,
                   std::span<const std::string>(output.strings));
  output.strings.clear();
  output.rows_written += rows;
}

std::string GroupWriter::finish() {
  for (Output& output : outputs_) {
    if (!output.bytes.empty()) submit_chunk(output);
    if (!output.strings.empty()) flush_strings(output);
    // Invariant: every row of the file was written.
    if (output.rows_written != output.lengths[0]) {
      throw StorageError(
          "cannot finish " + std::string(output.column->name) + " (" +
          std::to_string(output.rows_written) + " rows of " +
          std::to_string(output.lengths[0]) +
          " came); a part changed while it was read: run verify");
    }
  }
  // What drain() reports must come before the checksum that says that all is
  // there.
  pipeline_.drain();
  std::string content = hasher_.finish();
  hdf5::set(group_, "content_sha256", content);
  return content;
}

}  // namespace lens::storage
