#include "storage/group_reader.h"

#include <algorithm>
#include <limits>

#include "storage/hdf5/rows.h"
#include "storage/unit_columns.h"

namespace lens::storage {
namespace {

using table::Column;
using table::ColumnSet;
using table::ColumnValues;
using table::Dimension;

// No model comes near these. Without rows nothing else bounds what a damaged
// file claims along its other dimensions.
constexpr std::int64_t kMostLayers = 4096;
constexpr std::int64_t kMostScripts = 256;
constexpr std::int64_t kMostWidth = 1 << 24;  // of a state or a vocabulary

std::int64_t most(Dimension dimension) {
  switch (dimension) {
    case Dimension::kLayer:
    case Dimension::kBlock:
    case Dimension::kHiddenLayer:
      return kMostLayers;
    case Dimension::kScript:
      return kMostScripts;
    case Dimension::kRank:
    case Dimension::kHiddenSize:
      return kMostWidth;
    case Dimension::kSample:
    case Dimension::kSampleBound:
    case Dimension::kToken:
      break;
  }
  // Bounded by what is stored.
  return std::numeric_limits<std::int64_t>::max();
}

}  // namespace

GroupReader::GroupReader(H5::Group group, std::int64_t file_bytes,
                         std::string name)
    : group_(std::move(group)), name_(std::move(name)) {
  const auto length = [&](std::string_view column, std::size_t rank,
                          std::size_t dimension) {
    return static_cast<std::int64_t>(lengths(column, rank)[dimension]);
  };
  // One column says each length; all others are held against it.
  extents_.samples = length("sample_id", 1, 0);
  extents_.tokens = length("token_id", 1, 0);
  table::Widths& widths = extents_.widths;
  widths.layers = length("entropy", 2, 1);
  widths.ranks = length("top_id", 3, 2);
  widths.scripts = length("script_share", 3, 2);
  if (hdf5::has_link(group_, "hidden")) {
    widths.hidden_layers = length("hidden", 3, 1);
    widths.hidden_size = length("hidden", 3, 2);
  }
  for (const Column& column : table::kColumns) {
    if (column.presence == table::Presence::kOptional) {
      widths.columns.set(table::index_of(column),
                         hdf5::has_link(group_, std::string(column.name)));
    }
    if (widths.has(column)) open_column(column, file_bytes);
  }
}

void GroupReader::fail(const std::string& why) const {
  throw StorageError(name_ + " is damaged (" + why + "); make it again");
}

hdf5::Lengths GroupReader::lengths(std::string_view column,
                                   std::size_t rank) const {
  const std::string name(column);
  if (!hdf5::has_link(group_, name)) fail("it has no " + name);
  hdf5::Lengths found = hdf5::lengths_of(group_.openDataSet(name));
  if (found.size() != rank) fail(name + " has a wrong number of dimensions");
  return found;
}

const H5::DataSet& GroupReader::open(const Column& column) const {
  return open_.at(column.name);
}

void GroupReader::open_column(const Column& column, std::int64_t file_bytes) {
  const std::string name(column.name);
  const hdf5::Lengths found = lengths(column.name, column.axes.size());
  const std::vector<std::int64_t> expected = extents_.shape(column);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i] != static_cast<hsize_t>(expected[i])) {
      fail(name + " has " + std::to_string(found[i]) + " entries along " +
           std::string(dimension_name(column.axes[i])) + " where " +
           std::to_string(expected[i]) + " belong");
    }
    if (expected[i] > most(column.axes[i])) {
      fail(name + " claims " + std::to_string(found[i]) + " entries along " +
           std::string(dimension_name(column.axes[i])));
    }
  }
  open_[column.name] = hdf5::open_column(
      group_, name, column.type,
      static_cast<std::size_t>(extents_.widths.row_elements(column)) *
          type_bytes(column.type));
  if (!hdf5::has_type(open(column), column.type)) {
    fail(name + " is not of type " + std::string(type_name(column.type)));
  }
  const std::string why = hdf5::missing_values(open(column), file_bytes);
  if (!why.empty()) fail(name + " " + why);
}

const Column* GroupReader::find(std::string_view column) const {
  const Column* found = table::find_column(column);
  return found != nullptr && extents_.widths.has(*found) ? found : nullptr;
}

ColumnValues GroupReader::read(const Column& column, std::int64_t begin,
                               std::int64_t end) const {
  return hdf5::read_rows(open(column), column.type, static_cast<hsize_t>(begin),
                         static_cast<hsize_t>(end));
}

std::vector<SampleRecord> GroupReader::read_records(
    std::int64_t begin, std::int64_t end, const ColumnSet& wanted) const {
  std::vector<SampleRecord> samples(static_cast<std::size_t>(end - begin));
  for (const Column* column : table::columns_of(extents_.widths)) {
    if (column->axes[0] != Dimension::kSample ||
        !wanted.test(table::index_of(*column))) {
      continue;
    }
    assign_records(*column, read(*column, begin, end), samples);
  }
  return samples;
}

table::TokenRows GroupReader::read_tokens(std::int64_t begin, std::int64_t end,
                                          const ColumnSet& wanted) const {
  table::Widths widths = extents_.widths;
  widths.columns &= wanted;
  table::TokenRows rows(widths);
  for (const Column* column : table::columns_of(widths)) {
    if (column->of_tokens()) rows.values(*column) = read(*column, begin, end);
  }
  return rows;
}

UnitResult GroupReader::read_samples(std::int64_t begin,
                                     std::int64_t end) const {
  UnitResult result;
  auto offset = std::get<std::vector<std::int64_t>>(
      // The end of the last sample, too.
      read(*find("token_offset"), begin, end + 1));
  const RowBase base{.samples = begin, .tokens = offset.front()};
  if (base.tokens < 0 || offset.back() > extents_.tokens ||
      !std::is_sorted(offset.begin(), offset.end())) {
    fail("token_offset does not rise within the tokens");
  }
  const std::int64_t token_end = offset.back();
  const ColumnSet all = ColumnSet().set();
  result.samples = read_records(begin, end, all);
  result.tokens = read_tokens(base.tokens, token_end, all);
  if (const Column* kept = find("hidden_layer")) {
    result.hidden_layer = std::get<std::vector<std::int32_t>>(
        read(*kept, 0, extents_.widths.hidden_layers));
  }
  for (std::int64_t& entry : offset) entry -= base.tokens;
  result.token_offset = std::move(offset);
  check_unit(result, name_);
  // Follows from token_offset, so it is no part of the result; a file that
  // holds another one is not believed.
  const Column& owner = *find("token_sample");
  ColumnValues scratch;
  const auto expected = std::get<std::span<const std::int32_t>>(
      column_view(owner, result, base, scratch));
  const auto found =
      std::get<std::vector<std::int32_t>>(read(owner, base.tokens, token_end));
  if (!std::equal(found.begin(), found.end(), expected.begin(),
                  expected.end())) {
    fail("token_sample does not agree with token_offset");
  }
  return result;
}

void GroupReader::check_scales(const H5::Group& root) const {
  for (const Column* column : table::columns_of(extents_.widths)) {
    if (column->name == dimension_name(Dimension::kHiddenLayer)) continue;
    const H5::DataSet& dataset = open(*column);
    for (std::size_t i = 0; i < column->axes.size(); ++i) {
      const Dimension dimension = column->axes[i];
      const H5::Group& home = is_root_dimension(dimension) ? root : group_;
      const std::string scale(dimension_name(dimension));
      if (!hdf5::has_link(home, scale) ||
          !hdf5::scale_attached(dataset, home.openDataSet(scale),
                                static_cast<unsigned>(i))) {
        fail(std::string(column->name) + " lacks the scale " + scale);
      }
    }
  }
}

}  // namespace lens::storage
