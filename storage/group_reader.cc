#include "storage/group_reader.h"

#include <algorithm>
#include <limits>

#include "storage/hdf5/rows.h"

namespace lens::storage {
namespace {

// No model comes near these. Without rows nothing else bounds what a damaged
// file claims along its other dimensions.
constexpr std::int64_t kMostLayers = 4096;
constexpr std::int64_t kMostScripts = 256;
constexpr std::int64_t kMostWidth = 1 << 24;  // of a state or a vocabulary

std::int64_t most(Dimension dimension) {
  switch (dimension) {
    case Dimension::kLayer:
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
  extents_.samples = length("sample_id", 1, 0);
  extents_.tokens = length("token_id", 1, 0);
  extents_.layers = length("entropy", 2, 1);
  extents_.ranks = length("top_id", 3, 2);
  extents_.scripts = length("script_share", 3, 2);
  if (hdf5::has_link(group_, "hidden")) {
    extents_.hidden_layers = length("hidden", 3, 1);
    extents_.hidden_size = length("hidden", 3, 2);
  }
  for (const Column* column : columns_for(extents_)) {
    open_column(*column, file_bytes);
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
  const hdf5::Lengths found = lengths(column.name, column.dimensions.size());
  const std::vector<std::int64_t> expected = column.shape(extents_);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i] != static_cast<hsize_t>(expected[i])) {
      fail(name + " has " + std::to_string(found[i]) + " entries along " +
           std::string(dimension_name(column.dimensions[i])) + " where " +
           std::to_string(expected[i]) + " belong");
    }
    if (expected[i] > most(column.dimensions[i])) {
      fail(name + " claims " + std::to_string(found[i]) + " entries along " +
           std::string(dimension_name(column.dimensions[i])));
    }
  }
  open_[column.name] = hdf5::open_column(
      group_, name, column.type,
      static_cast<std::size_t>(column.row_elements(extents_)) *
          type_bytes(column.type));
  if (!hdf5::has_type(open(column), column.type)) {
    fail(name + " is not of type " + std::string(type_name(column.type)));
  }
  const std::string why = hdf5::missing_values(open(column), file_bytes);
  if (!why.empty()) fail(name + " " + why);
}

const Column* GroupReader::find(std::string_view column) const {
  const Column* found = find_column(column);
  if (found != nullptr && found->is_hidden() && extents_.hidden_layers == 0) {
    return nullptr;
  }
  return found;
}

ColumnValues GroupReader::read(const Column& column, std::int64_t begin,
                               std::int64_t end) const {
  return hdf5::read_rows(open(column), column.type, static_cast<hsize_t>(begin),
                         static_cast<hsize_t>(end));
}

UnitResult GroupReader::read_samples(std::int64_t begin,
                                     std::int64_t end) const {
  UnitResult result;
  result.layers = static_cast<std::int32_t>(extents_.layers);
  result.ranks = static_cast<std::int32_t>(extents_.ranks);
  result.scripts = static_cast<std::int32_t>(extents_.scripts);
  result.hidden_size = static_cast<std::int32_t>(extents_.hidden_size);
  result.samples.resize(static_cast<std::size_t>(end - begin));
  auto offset = std::get<std::vector<std::int64_t>>(
      read(*find_column("token_offset"), begin, end + 1));
  const RowBase base{.samples = begin, .tokens = offset.front()};
  if (base.tokens < 0 || offset.back() > extents_.tokens ||
      !std::is_sorted(offset.begin(), offset.end())) {
    fail("token_offset does not rise within the tokens");
  }
  const std::int64_t token_end = offset.back();
  std::vector<std::int32_t> token_sample;
  for (const Column* column : columns_for(extents_)) {
    if (column->dimensions[0] == Dimension::kSampleBound) continue;
    const bool of_tokens = column->dimensions[0] == Dimension::kToken;
    const bool of_samples = column->dimensions[0] == Dimension::kSample;
    ColumnValues values = of_tokens ? read(*column, base.tokens, token_end)
                          : of_samples
                              ? read(*column, begin, end)
                              : read(*column, 0, extents_.hidden_layers);
    if (std::holds_alternative<std::monostate>(column->field)) {
      token_sample = std::get<std::vector<std::int32_t>>(std::move(values));
    } else {
      assign_column(*column, std::move(values), result);
    }
  }
  for (std::int64_t& entry : offset) entry -= base.tokens;
  result.token_offset = std::move(offset);
  check_unit(result, name_);
  ColumnValues scratch;
  const auto expected = std::get<std::span<const std::int32_t>>(
      column_view(*find_column("token_sample"), result, base, scratch));
  if (!std::equal(token_sample.begin(), token_sample.end(), expected.begin(),
                  expected.end())) {
    fail("token_sample does not agree with token_offset");
  }
  return result;
}

void GroupReader::check_scales(const H5::Group& root) const {
  for (const Column* column : columns_for(extents_)) {
    if (column->name == dimension_name(Dimension::kHiddenLayer)) continue;
    const H5::DataSet& dataset = open(*column);
    for (std::size_t i = 0; i < column->dimensions.size(); ++i) {
      const Dimension dimension = column->dimensions[i];
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
