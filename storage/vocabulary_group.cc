#include "storage/vocabulary_group.h"

#include <algorithm>

#include "base/error.h"
#include "base/storable_text.h"
#include "storage/content.h"
#include "storage/hdf5/attributes.h"
#include "storage/hdf5/rows.h"

namespace lens::storage {
namespace {

using table::ColumnType;
using table::ColumnValues;
using table::ColumnView;

constexpr const char* kRemake = "delete it and plan the run again";
constexpr const char* kText = "token_text";
constexpr const char* kScript = "token_script";

Vocabulary storable(const Vocabulary& vocabulary) {
  Vocabulary result = vocabulary;
  for (std::string& text : result.token_text) text = storable_text(text);
  for (std::string& text : result.script_names) text = storable_text(text);
  return result;
}

std::string content(const Vocabulary& vocabulary) {
  const auto ids = static_cast<std::int64_t>(vocabulary.token_text.size());
  const auto scripts =
      static_cast<std::int64_t>(vocabulary.script_names.size());
  ContentHasher hasher({{kText, ColumnType::kString, {ids}},
                        {kScript, ColumnType::kUint8, {ids}},
                        {"script", ColumnType::kString, {scripts}}});
  hasher.add(0, std::span<const std::string>(vocabulary.token_text));
  hasher.add(1, std::span<const std::uint8_t>(vocabulary.token_script));
  hasher.add(2, std::span<const std::string>(vocabulary.script_names));
  return hasher.finish();
}

void create_column(H5::Group& group, const H5::DataSet& scale,
                   const std::string& name, ColumnType type,
                   const ColumnView& values, std::string_view long_name,
                   std::size_t scripts) {
  const hsize_t rows = table::element_count(values);
  H5::DataSet dataset =
      hdf5::create_column(group, name, type, {rows},
                          hdf5::rows_per_chunk(type, type_bytes(type), rows));
  hdf5::write_rows(dataset, 0, rows, values);
  hdf5::set(dataset, "long_name", long_name);
  if (type == ColumnType::kUint8) {
    hdf5::set(dataset, "valid_min", std::uint8_t{0});
    hdf5::set(dataset, "valid_max", static_cast<std::uint8_t>(scripts - 1));
  }
  hdf5::attach_scale(dataset, scale, 0);
}

ColumnValues read_all(const H5::Group& group, const std::string& name,
                      ColumnType type, std::int64_t file_bytes,
                      const std::string& file) {
  const auto fail = [&](const std::string& why) {
    throw StorageError(file + " is damaged (" + name + " " + why + "); " +
                       kRemake);
  };
  if (!hdf5::has_link(group, name)) fail("is missing");
  const H5::DataSet dataset = group.openDataSet(name);
  const hdf5::Lengths lengths = hdf5::lengths_of(dataset);
  if (lengths.size() != 1 || !hdf5::has_type(dataset, type)) {
    fail("has a wrong type or shape");
  }
  const std::string why = hdf5::missing_values(dataset, file_bytes);
  if (!why.empty()) fail(why);
  return hdf5::read_rows(dataset, type, 0, lengths[0]);
}

}  // namespace

void check_vocabulary(const Vocabulary& vocabulary, const std::string& name) {
  const std::size_t scripts = vocabulary.script_names.size();
  const bool fits = std::all_of(
      vocabulary.token_script.begin(), vocabulary.token_script.end(),
      [&](std::uint8_t script) { return script < scripts; });
  if (!fits || vocabulary.token_text.empty() ||
      vocabulary.token_text.size() != vocabulary.token_script.size()) {
    throw StorageError(name +
                       " is inconsistent (one text and one known script class "
                       "to each id); " +
                       kRemake);
  }
}

H5::DataSet create_script_scale(H5::Group& root,
                                const std::vector<std::string>& script_names) {
  std::vector<std::string> names;
  for (const std::string& name : script_names) {
    names.push_back(storable_text(name));
  }
  const hsize_t count = names.size();
  H5::DataSet scale =
      hdf5::create_column(root, "script", ColumnType::kString, {count}, count);
  hdf5::write_rows(scale, 0, count, std::span<const std::string>(names));
  hdf5::set(scale, "long_name", "script class of a token");
  hdf5::make_scale(scale, "script");
  return scale;
}

void create_vocabulary_group(H5::Group& root, const Vocabulary& vocabulary) {
  const Vocabulary stored = storable(vocabulary);
  H5::Group group = root.createGroup("vocabulary");
  const H5::DataSet scale =
      hdf5::create_length_scale(group, "vocab", stored.token_text.size());
  const std::size_t scripts = stored.script_names.size();
  create_column(group, scale, kText, ColumnType::kString,
                std::span<const std::string>(stored.token_text),
                "text of the id", scripts);
  create_column(group, scale, kScript, ColumnType::kUint8,
                std::span<const std::uint8_t>(stored.token_script),
                "script class of the id, index into /script", scripts);
  hdf5::set(group, "content_sha256", content(stored));
}

Vocabulary read_vocabulary_group(const H5::Group& root, std::int64_t file_bytes,
                                 const std::string& name) {
  if (!hdf5::has_link(root, "vocabulary")) {
    throw StorageError(name + " is damaged (it has no vocabulary); " + kRemake);
  }
  const H5::Group group = root.openGroup("vocabulary");
  Vocabulary vocabulary;
  vocabulary.token_text = std::get<std::vector<std::string>>(
      read_all(group, kText, ColumnType::kString, file_bytes, name));
  vocabulary.token_script = std::get<std::vector<std::uint8_t>>(
      read_all(group, kScript, ColumnType::kUint8, file_bytes, name));
  vocabulary.script_names = std::get<std::vector<std::string>>(
      read_all(root, "script", ColumnType::kString, file_bytes, name));
  check_vocabulary(vocabulary, name);
  for (const char* column : {kText, kScript}) {
    if (!hdf5::has_link(group, "vocab") ||
        !hdf5::scale_attached(group.openDataSet(column),
                              group.openDataSet("vocab"), 0)) {
      throw StorageError(name + " is damaged (" + column +
                         " lacks the scale vocab); " + kRemake);
    }
  }
  if (hdf5::text_attribute(group, "content_sha256") != content(vocabulary)) {
    throw StorageError(name +
                       " is damaged (the vocabulary does not give its "
                       "content_sha256); " +
                       kRemake);
  }
  return vocabulary;
}

}  // namespace lens::storage
