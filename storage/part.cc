#include "storage/part.h"

#include "base/durable.h"
#include "base/storable_text.h"
#include "storage/content.h"
#include "storage/format.h"
#include "storage/group_reader.h"
#include "storage/hdf5/attributes.h"
#include "storage/hdf5/rows.h"
#include "storage/seal.h"
#include "storage/unit_columns.h"
#include "storage/unit_hash.h"

namespace lens::storage {
namespace {

constexpr const char* kRemake = "delete it and run the same command again";

// The columns as they lie in memory: a part is read once, by the merge, which
// packs them. Returns their checksum.
std::string write_columns(H5::Group group, const UnitResult& result) {
  const table::Extents extents = extents_of(result);
  const std::vector<const table::Column*> columns =
      table::columns_of(extents.widths);
  ContentHasher hasher(content_entries(extents));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const table::Column& column = *columns[i];
    hdf5::Lengths lengths;
    for (const std::int64_t length : extents.shape(column)) {
      lengths.push_back(static_cast<hsize_t>(length));
    }
    H5::DataSet dataset = hdf5::create_plain(group, std::string(column.name),
                                             column.type, lengths);
    table::ColumnValues scratch;
    const table::ColumnView values = column_view(column, result, {}, scratch);
    hdf5::write_rows(dataset, 0, lengths[0], values);
    hasher.add(i, values);
  }
  return hasher.finish();
}

// The image is built in memory: HDF5 never meets a full disk, and no partly
// written file ever had HDF5 structure.
std::vector<std::byte> build_image(const PartHeader& header,
                                   const UnitResult& result,
                                   std::string& content) {
  H5::H5File file = hdf5::create_image();
  {
    H5::Group root = file.openGroup("/");
    hdf5::set(root, "format", kPartFormat);
    hdf5::set(root, "format_version", kFormatVersion);
    hdf5::set(root, "run_id", storable_text(header.run_id));
    hdf5::set(root, "dataset", storable_text(header.dataset));
    hdf5::set(root, "unit", header.unit);
    hdf5::set(root, "epoch", header.epoch);
    hdf5::set(root, "number", header.number);
    hdf5::set(root, "device_name", storable_text(header.device_name));
    content = write_columns(root.createGroup(header.dataset), result);
    hdf5::set(root, "content_sha256", content);
  }
  return hdf5::take_image(file);
}

std::string required_text(const H5::Group& root, const std::string& name,
                          const std::string& file) {
  const auto value = hdf5::text_attribute(root, name);
  if (!value) {
    throw StorageError(file + " is not a part (attribute " + name +
                       " is missing); " + kRemake);
  }
  return *value;
}

template <class Value>
Value required_number(std::optional<Value> value, const std::string& name,
                      const std::string& file) {
  if (!value) {
    throw StorageError(file + " is not a part (attribute " + name +
                       " is missing); " + kRemake);
  }
  return *value;
}

void check_format(const H5::Group& root, const std::string& file) {
  if (required_text(root, "format", file) != kPartFormat) {
    throw StorageError(file + " is not a part (its format is another); " +
                       kRemake);
  }
  const auto version = required_number(
      hdf5::integer_attribute(root, "format_version"), "format_version", file);
  if (version != kFormatVersion) {
    throw StorageError("cannot read " + file + " (format version " +
                       std::to_string(version) + ", this program knows " +
                       std::to_string(kFormatVersion) +
                       "); use the program that wrote it");
  }
}

PartHeader read_header(const H5::Group& root, const std::string& file) {
  check_format(root, file);
  PartHeader header;
  header.run_id = required_text(root, "run_id", file);
  header.dataset = required_text(root, "dataset", file);
  header.device_name = required_text(root, "device_name", file);
  header.unit = static_cast<std::int32_t>(
      required_number(hdf5::integer_attribute(root, "unit"), "unit", file));
  header.epoch =
      required_number(hdf5::unsigned_attribute(root, "epoch"), "epoch", file);
  header.number =
      required_number(hdf5::unsigned_attribute(root, "number"), "number", file);
  return header;
}

}  // namespace

PartReceipt write_part(const std::filesystem::path& run_root,
                       const std::filesystem::path& file,
                       const PartHeader& header, const UnitResult& result,
                       const StepObserver& after_step) {
  // Before anything is on disk: what a reader would refuse is never written.
  check_unit(result, "the result of unit " + std::to_string(header.unit));
  if (header.dataset.empty() || header.dataset.front() == '.' ||
      header.dataset.find('/') != std::string::npos) {
    throw StorageError("cannot name a part's group '" + header.dataset +
                       "' (empty, or with a dot or slash); rename the data "
                       "set");
  }
  PartReceipt receipt;
  const std::vector<std::byte> image = hdf5::call(
      "build the part " + file.string(), "this is a defect: report it",
      [&] { return build_image(header, result, receipt.content_sha256); });
  DurableFile output(file, after_step);
  output.reached(WriteStep::kContentReady);
  Sha256 hash;
  hash.update(image);
  const std::string seal =
      seal_text({.bytes = static_cast<std::int64_t>(image.size()),
                 .samples = static_cast<std::int64_t>(result.samples.size()),
                 .tokens = static_cast<std::int64_t>(result.tokens.size())},
                std::move(hash));
  // The seal stands last, so a part that was cut short has none.
  output.append(image);
  output.append(seal);
  output.reached(WriteStep::kWritten);
  output.commit();
  receipt.file_name = file.lexically_relative(run_root).generic_string();
  receipt.bytes = static_cast<std::int64_t>(image.size() + seal.size());
  return receipt;
}

PartSummary read_part_summary(const std::filesystem::path& file) {
  const std::vector<std::byte> bytes = read_file(file);
  const Seal seal = check_seal(bytes, file.string());
  return hdf5::call("read the part " + file.string(), kRemake, [&] {
    const H5::H5File image = hdf5::open_image(
        std::span(bytes).first(static_cast<std::size_t>(seal.bytes)));
    const H5::Group root = image.openGroup("/");
    PartSummary summary;
    summary.header = read_header(root, file.string());
    summary.content_sha256 =
        required_text(root, "content_sha256", file.string());
    summary.bytes = static_cast<std::int64_t>(bytes.size());
    summary.samples = seal.samples;
    summary.tokens = seal.tokens;
    return summary;
  });
}

Part read_sealed_part(const std::filesystem::path& file) {
  const std::string name = file.string();
  std::vector<std::byte> bytes = read_file(file);
  const Seal seal = check_seal(bytes, name);
  return hdf5::call("read the part " + name, kRemake, [&] {
    const H5::H5File image = hdf5::open_image(
        std::span(bytes).first(static_cast<std::size_t>(seal.bytes)));
    bytes = {};  // the library has its copy
    const H5::Group root = image.openGroup("/");
    Part part;
    part.header = read_header(root, name);
    part.content_sha256 = required_text(root, "content_sha256", name);
    if (!hdf5::has_link(root, part.header.dataset)) {
      throw StorageError(name + " is damaged (it has no group " +
                         part.header.dataset + "); " + kRemake);
    }
    const GroupReader reader(root.openGroup(part.header.dataset), seal.bytes,
                             name);
    if (reader.extents().samples != seal.samples ||
        reader.extents().tokens != seal.tokens) {
      throw StorageError(name +
                         " is damaged (its seal counts other samples or "
                         "tokens); " +
                         kRemake);
    }
    // content_sha256 is left to read_part(): the seal already covers every
    // byte, and a merge reads thousands.
    part.result = reader.read_samples(0, reader.extents().samples);
    return part;
  });
}

Part read_part(const std::filesystem::path& file) {
  Part part = read_sealed_part(file);
  if (content_sha256(part.result) != part.content_sha256) {
    throw StorageError(file.string() +
                       " is damaged (its values do not give content_sha256); " +
                       kRemake);
  }
  return part;
}

}  // namespace lens::storage
