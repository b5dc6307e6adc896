#include "storage/hdf5/hdf5.h"

#include <H5DSpublic.h>

#include <algorithm>
#include <cstdio>
#include <limits>

#include "storage/hdf5/superblock.h"

namespace lens::storage::hdf5 {
namespace {

constexpr std::size_t kMetadataCacheBytes = 2 << 20;

H5::FileAccPropList memory_access() {
  H5::FileAccPropList access = file_access();
  checked(H5Pset_fapl_core(access.getId(), 1 << 20, false));
  return access;
}

H5::DataType text_type() {
  H5::StrType type(H5::PredType::C_S1, H5T_VARIABLE);
  type.setCset(H5T_CSET_UTF8);
  return type;
}

// No times: equal content gives equal bytes.
H5::DSetCreatPropList creation() {
  H5::DSetCreatPropList properties;
  checked(H5Pset_obj_track_times(properties.getId(), false));
  return properties;
}

// A cache of chunks for who goes forward: one chunk.
H5::DSetAccPropList cache_of(std::size_t chunk_bytes) {
  constexpr std::size_t kSlots = 521;      // the library's own number
  constexpr double kDropWhatIsDone = 1.0;  // before what is still in use
  H5::DSetAccPropList access;
  access.setChunkCache(kSlots, chunk_bytes, kDropWhatIsDone);
  return access;
}

herr_t collect_group(hid_t group, const char* name, const H5L_info_t* link,
                     void* names) {
  // Others may lead into another file, or into a circle.
  if (link->type != H5L_TYPE_HARD) return 0;
  H5O_info_t info;
  if (H5Oget_info_by_name2(group, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) <
      0) {
    return -1;
  }
  if (info.type == H5O_TYPE_GROUP) {
    static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  }
  return 0;
}

// Keeps the innermost reason, which names the cause.
herr_t collect_error(unsigned, const H5E_error2_t* error, void* text) {
  if (error->desc != nullptr && error->desc[0] != '\0') {
    *static_cast<std::string*>(text) = error->desc;
  }
  return 0;
}

}  // namespace

std::string reason(const H5::Exception& exception) {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, collect_error, &text);
  H5Eclear2(H5E_DEFAULT);
  // Handles closed while the exception travelled may have emptied the stack.
  if (text.empty()) {
    text = exception.getFuncName() + ": " + exception.getDetailMsg();
  }
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

void silence() { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

H5::FileAccPropList file_access() {
  H5::FileAccPropList access;
  checked(H5Pset_libver_bounds(access.getId(), H5F_LIBVER_EARLIEST,
                               H5F_LIBVER_V18));
  checked(H5Pset_file_locking(access.getId(), false, true));
  checked(H5Pset_fclose_degree(access.getId(), H5F_CLOSE_STRONG));
  // Text lies in heaps that the library counts as metadata; left alone, its
  // cache of them grows with the number of samples.
  H5AC_cache_config_t cache = {};
  cache.version = H5AC__CURR_CACHE_CONFIG_VERSION;
  checked(H5Pget_mdc_config(access.getId(), &cache));
  cache.set_initial_size = true;
  cache.initial_size = cache.min_size = cache.max_size = kMetadataCacheBytes;
  cache.flash_incr_mode = H5C_flash_incr__off;
  checked(H5Pset_mdc_config(access.getId(), &cache));
  return access;
}

H5::H5File create_image() {
  return H5::H5File("image", H5F_ACC_TRUNC, H5::FileCreatPropList::DEFAULT,
                    memory_access());
}

std::vector<std::byte> take_image(H5::H5File& file) {
  // What is still in caches is not in the image.
  checked(H5Fflush(file.getId(), H5F_SCOPE_GLOBAL));
  const ssize_t bytes = checked(H5Fget_file_image(file.getId(), nullptr, 0));
  std::vector<std::byte> image(static_cast<std::size_t>(bytes));
  checked(H5Fget_file_image(file.getId(), image.data(), image.size()));
  file.close();
  return image;
}

H5::H5File open_image(std::span<const std::byte> image) {
  const H5::FileAccPropList access = memory_access();
  // The library copies the image; it does not write through this pointer.
  checked(H5Pset_file_image(
      access.getId(), const_cast<std::byte*>(image.data()), image.size()));
  return H5::H5File("image", H5F_ACC_RDONLY, H5::FileCreatPropList::DEFAULT,
                    access);
}

H5::H5File open_file(const std::filesystem::path& path) {
  if (marked_as_written(read_superblock(InputDescriptor(path)))) {
    throw StorageError("cannot read " + path.string() +
                       " (a program has it open for writing, or died while it "
                       "had); wait for it, or clear the mark: h5clear -s " +
                       path.string());
  }
  return H5::H5File(path.string(), H5F_ACC_RDONLY,
                    H5::FileCreatPropList::DEFAULT, file_access());
}

void abandon(H5::H5File& file) noexcept {
  try {
    file.close();
  } catch (const H5::Exception&) {
    // The reason that made us give up is already on its way to the caller.
  }
}

H5::DataType file_type(ColumnType type) {
  switch (type) {
    case ColumnType::kString:
      return text_type();
    case ColumnType::kInt64:
      return H5::PredType::STD_I64LE;
    case ColumnType::kInt32:
      return H5::PredType::STD_I32LE;
    case ColumnType::kUint8:
      return H5::PredType::STD_U8LE;
    case ColumnType::kFloat:
      break;
  }
  return H5::PredType::IEEE_F32LE;
}

H5::DataType memory_type(ColumnType type) {
  switch (type) {
    case ColumnType::kString:
      return text_type();
    case ColumnType::kInt64:
      return H5::PredType::NATIVE_INT64;
    case ColumnType::kInt32:
      return H5::PredType::NATIVE_INT32;
    case ColumnType::kUint8:
      return H5::PredType::NATIVE_UINT8;
    case ColumnType::kFloat:
      break;
  }
  return H5::PredType::NATIVE_FLOAT;
}

hsize_t rows_per_chunk(ColumnType type, std::size_t row_bytes, hsize_t rows) {
  const hsize_t most =
      type == ColumnType::kString ? kMostTextChunkRows : kMostChunkRows;
  const hsize_t fit = kChunkBytes / std::max<std::size_t>(row_bytes, 1);
  return std::max<hsize_t>(1, std::min({fit, most, rows}));
}

H5::DataSet open_column(const H5::Group& group, const std::string& name,
                        ColumnType type, std::size_t row_bytes) {
  return group.openDataSet(
      name,
      cache_of(row_bytes * rows_per_chunk(type, row_bytes, kMostChunkRows)));
}

H5::DataSet create_plain(H5::Group& group, const std::string& name,
                         ColumnType type, const Lengths& lengths) {
  return group.createDataSet(
      name, file_type(type),
      H5::DataSpace(static_cast<int>(lengths.size()), lengths.data()),
      creation());
}

H5::DataSet create_column(H5::Group& group, const std::string& name,
                          ColumnType type, const Lengths& lengths,
                          hsize_t chunk_rows) {
  H5::DSetCreatPropList properties = creation();
  Lengths chunk = lengths;
  chunk[0] = chunk_rows;
  // A data set may have no elements, its chunk may not.
  for (hsize_t& length : chunk) length = std::max<hsize_t>(length, 1);
  properties.setChunk(static_cast<int>(chunk.size()), chunk.data());
  properties.setShuffle();
  properties.setDeflate(1);  // level of the writer; readers need not know it
  if (type == ColumnType::kFloat) {
    const float fill = std::numeric_limits<float>::quiet_NaN();
    properties.setFillValue(H5::PredType::NATIVE_FLOAT, &fill);
  }
  std::size_t bytes = type_bytes(type);
  for (const hsize_t length : chunk) bytes *= length;
  return group.createDataSet(
      name, file_type(type),
      H5::DataSpace(static_cast<int>(lengths.size()), lengths.data()),
      properties, cache_of(bytes));
}

void make_scale(H5::DataSet& dataset, const std::string& name) {
  checked(H5DSset_scale(dataset.getId(), name.c_str()));
}

H5::DataSet create_length_scale(H5::Group& group, const std::string& name,
                                hsize_t length) {
  H5::DataSet scale = group.createDataSet(
      name, H5::PredType::IEEE_F32BE, H5::DataSpace(1, &length), creation());
  // netCDF writes a dimension without values as this type, and it and xarray
  // know it by this title, with the length in ten places.
  char title[96];
  std::snprintf(title, sizeof title,
                "This is a netCDF dimension but not a netCDF variable.%10llu",
                static_cast<unsigned long long>(length));
  make_scale(scale, title);
  return scale;
}

void attach_scale(H5::DataSet& dataset, const H5::DataSet& scale,
                  unsigned dimension) {
  checked(H5DSattach_scale(dataset.getId(), scale.getId(), dimension));
}

bool scale_attached(const H5::DataSet& dataset, const H5::DataSet& scale,
                    unsigned dimension) {
  return checked(H5DSis_attached(dataset.getId(), scale.getId(), dimension)) >
         0;
}

Lengths lengths_of(const H5::DataSet& dataset) {
  const H5::DataSpace space = dataset.getSpace();
  Lengths lengths(static_cast<std::size_t>(space.getSimpleExtentNdims()));
  space.getSimpleExtentDims(lengths.data());
  return lengths;
}

bool has_type(const H5::DataSet& dataset, ColumnType type) {
  if (type == ColumnType::kString) {
    return dataset.getTypeClass() == H5T_STRING &&
           dataset.getDataType().isVariableStr();
  }
  return checked(H5Tequal(dataset.getDataType().getId(),
                          file_type(type).getId())) > 0;
}

bool has_link(const H5::Group& group, const std::string& name) {
  if (checked(H5Lexists(group.getId(), name.c_str(), H5P_DEFAULT)) == 0) {
    return false;
  }
  H5L_info_t link = {};
  checked(H5Lget_info(group.getId(), name.c_str(), &link, H5P_DEFAULT));
  return link.type == H5L_TYPE_HARD;
}

std::vector<std::string> child_groups(const H5::Group& group) {
  std::vector<std::string> names;
  checked(H5Literate(group.getId(), H5_INDEX_NAME, H5_ITER_INC, nullptr,
                     collect_group, &names));
  std::sort(names.begin(), names.end());
  return names;
}

std::string missing_values(const H5::DataSet& dataset,
                           std::int64_t file_bytes) {
  const H5::DSetCreatPropList properties = dataset.getCreatePlist();
  if (properties.getLayout() == H5D_VIRTUAL ||
      properties.getExternalCount() > 0)
    return "lies in other files";
  // A double, since the product of what a damaged file claims may be beyond any
  // integer.
  double bytes = static_cast<double>(dataset.getDataType().getSize());
  for (const hsize_t length : lengths_of(dataset)) {
    bytes *= static_cast<double>(length);
  }
  const auto stored = static_cast<double>(dataset.getStorageSize());
  mark_read_step();
  // Deflate never shrinks more than 1032 times. Other filters may, but then
  // not what matters.
  constexpr double kMaxRatio = 1100;
  if (stored > static_cast<double>(file_bytes) ||
      bytes > stored * kMaxRatio + kBlockBytes)
    return "claims more values than the file can hold";
  return "";
}

}  // namespace lens::storage::hdf5
