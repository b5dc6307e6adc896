#include "storage/hdf5/chunk_reader.h"

#include <libdeflate.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace lens::storage {
namespace {

// Of a chunk; ours have half a MiB, or one row. A damaged file may claim more.
constexpr std::size_t kMostBytes = std::size_t{64} << 20;

struct Free {
  void operator()(libdeflate_decompressor* decompressor) const {
    libdeflate_free_decompressor(decompressor);
  }
};
using Decompressor = std::unique_ptr<libdeflate_decompressor, Free>;

// How a data set's rows lie in its chunks.
struct ChunkLayout {
  hdf5::Lengths lengths = {};  // of a chunk
  std::size_t element_bytes = 0;
  std::size_t row_elements = 1;

  std::size_t rows() const { return static_cast<std::size_t>(lengths[0]); }
  std::size_t elements() const { return rows() * row_elements; }
};

bool is_filtered_as_ours(const H5::DSetCreatPropList& properties,
                         std::size_t element_bytes) {
  std::vector<H5Z_filter_t> found;
  for (int i = 0; i < properties.getNfilters(); ++i) {
    unsigned flags = 0, config = 0;
    std::size_t values = 0;
    found.push_back(
        properties.getFilter(i, flags, values, nullptr, 0, nullptr, config));
  }
  if (element_bytes == 1 && found.size() == 1)
    return found[0] == H5Z_FILTER_DEFLATE;
  return found ==
         std::vector<H5Z_filter_t>{H5Z_FILTER_SHUFFLE, H5Z_FILTER_DEFLATE};
}

// element_bytes is 0 where HDF5 has to read.
ChunkLayout layout_of(const H5::DataSet& dataset) {
  const H5::DSetCreatPropList properties = dataset.getCreatePlist();
  if (properties.getLayout() != H5D_CHUNKED) return {};
  ChunkLayout layout;
  layout.element_bytes = dataset.getDataType().getSize();
  layout.lengths = hdf5::lengths_of(dataset);
  const hdf5::Lengths whole = layout.lengths;
  properties.getChunk(static_cast<int>(whole.size()), layout.lengths.data());
  // Rows must be whole in a chunk: one that is cut across would have to be put
  // together again.
  if (!std::equal(whole.begin() + 1, whole.end(), layout.lengths.begin() + 1) ||
      !is_filtered_as_ours(properties, layout.element_bytes))
    return {};
  for (std::size_t i = 1; i < whole.size(); ++i)
    layout.row_elements *= static_cast<std::size_t>(whole[i]);
  const std::size_t row_bytes = layout.row_elements * layout.element_bytes;
  if (row_bytes == 0 || layout.rows() > kMostBytes / row_bytes) return {};
  return layout;
}

// The bytes of the chunk that begins at `row`, still shuffled.
bool inflate_chunk(const H5::DataSet& dataset, const ChunkLayout& layout,
                   std::size_t row, libdeflate_decompressor* decompressor,
                   std::vector<std::byte>& packed,
                   std::vector<std::byte>& bytes) {
  hdf5::Lengths offset(layout.lengths.size(), 0);
  offset[0] = row;
  // Asked before it is read: H5Dread_chunk writes as many bytes as the file
  // claims, whatever room there is.
  hsize_t stored = 0;
  if (H5Dget_chunk_storage_size(dataset.getId(), offset.data(), &stored) < 0)
    return false;
  bytes.resize(layout.elements() * layout.element_bytes);
  // None stored, or more than deflating ever makes of it: damaged.
  if (stored == 0 || stored > bytes.size() + bytes.size() / 64 + 1024)
    return false;
  packed.resize(static_cast<std::size_t>(stored));
  std::uint32_t skipped_filters = 0;
  if (H5Dread_chunk(dataset.getId(), H5P_DEFAULT, offset.data(),
                    &skipped_filters, packed.data()) < 0 ||
      skipped_filters != 0)
    return false;
  return libdeflate_zlib_decompress(decompressor, packed.data(), packed.size(),
                                    bytes.data(), bytes.size(),
                                    nullptr) == LIBDEFLATE_SUCCESS;
}

// Elements from `begin` on, as many as `to` has, of a shuffled chunk: byte 0 of
// all elements stands first, then byte 1, and so on. The fixed number of bytes
// spares a fifth of the whole read.
template <class Value>
void unshuffle(const ChunkLayout& layout, const std::byte* chunk,
               std::size_t begin, std::span<Value> to) {
  const std::size_t elements = layout.elements();
  const auto bytes = std::as_writable_bytes(to);
  for (std::size_t i = 0; i < to.size(); ++i)
    for (std::size_t byte = 0; byte < sizeof(Value); ++byte)
      bytes[i * sizeof(Value) + byte] = chunk[byte * elements + begin + i];
}

}  // namespace

template <class Value>
bool read_chunks(const H5::DataSet& dataset, hsize_t begin, hsize_t end,
                 std::span<Value> rows) {
  const ChunkLayout layout = layout_of(dataset);
  // For less than half a chunk the library is better: it keeps what it has
  // unpacked for the next call, and this would unpack it again.
  if (layout.element_bytes != sizeof(Value) ||
      2 * (end - begin) < layout.rows())
    return false;
  const Decompressor decompressor(libdeflate_alloc_decompressor());
  if (!decompressor) return false;
  std::vector<std::byte> packed, bytes;
  for (std::size_t row = begin / layout.rows() * layout.rows(); row < end;
       row += layout.rows()) {
    if (!inflate_chunk(dataset, layout, row, decompressor.get(), packed, bytes))
      return false;
    const std::size_t first = std::max<std::size_t>(row, begin);
    // The last chunk of a column reaches beyond its end.
    const std::size_t last = std::min<std::size_t>(row + layout.rows(), end);
    unshuffle(layout, bytes.data(), (first - row) * layout.row_elements,
              rows.subspan((first - begin) * layout.row_elements,
                           (last - first) * layout.row_elements));
    mark_read_step();
  }
  return true;
}

template bool read_chunks(const H5::DataSet&, hsize_t, hsize_t,
                          std::span<std::int64_t>);
template bool read_chunks(const H5::DataSet&, hsize_t, hsize_t,
                          std::span<std::int32_t>);
template bool read_chunks(const H5::DataSet&, hsize_t, hsize_t,
                          std::span<std::uint8_t>);
template bool read_chunks(const H5::DataSet&, hsize_t, hsize_t,
                          std::span<float>);

}  // namespace lens::storage
