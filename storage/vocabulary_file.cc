#include "storage/vocabulary_file.h"

#include "base/durable.h"
#include "base/error.h"
#include "storage/format.h"
#include "storage/hdf5/attributes.h"
#include "storage/seal.h"
#include "storage/vocabulary_group.h"

namespace lens::storage {
namespace {

constexpr const char* kRemake = "delete it and plan the run again";

}  // namespace

void write_vocabulary(const std::filesystem::path& file,
                      const Vocabulary& vocabulary) {
  check_vocabulary(vocabulary, "the vocabulary");
  const std::vector<std::byte> image =
      hdf5::call("build the vocabulary", "this is a defect: report it", [&] {
        H5::H5File built = hdf5::create_image();
        {
          H5::Group root = built.openGroup("/");
          hdf5::set(root, "format", kVocabularyFormat);
          hdf5::set(root, "format_version", kFormatVersion);
          create_script_scale(root, vocabulary.script_names);
          create_vocabulary_group(root, vocabulary);
        }
        return hdf5::take_image(built);
      });
  Sha256 hash;
  hash.update(image);
  DurableFile output(file);
  output.append(image);
  output.append(seal_text({.bytes = static_cast<std::int64_t>(image.size())},
                          std::move(hash)));
  output.commit();
}

Vocabulary read_vocabulary(const std::filesystem::path& file) {
  const std::vector<std::byte> bytes = read_file(file);
  const Seal seal = check_seal(bytes, file.string());
  return hdf5::call("read " + file.string(), kRemake, [&] {
    const H5::H5File image = hdf5::open_image(
        std::span(bytes).first(static_cast<std::size_t>(seal.bytes)));
    const H5::Group root = image.openGroup("/");
    if (hdf5::text_attribute(root, "format") != kVocabularyFormat ||
        hdf5::integer_attribute(root, "format_version") != kFormatVersion) {
      throw StorageError("cannot read " + file.string() +
                         " (not a vocabulary of format version " +
                         std::to_string(kFormatVersion) + "); " + kRemake);
    }
    return read_vocabulary_group(root, seal.bytes, file.string());
  });
}

}  // namespace lens::storage
