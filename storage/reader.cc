#include "storage/reader.h"

#include <cmath>
#include <limits>
#include <map>

#include "base/durable.h"
#include "storage/format.h"
#include "storage/group_reader.h"
#include "storage/hdf5/attributes.h"
#include "storage/hdf5/rows.h"
#include "storage/vocabulary_group.h"

namespace lens::storage {
namespace {

using table::Column;
using table::ColumnType;
using table::ColumnValues;

constexpr const char* kRemedy = "run lens verify, or merge again";
constexpr hsize_t kMostEntries = 1 << 24;  // of /layer, /rank and /script

}  // namespace

struct ResultsReader::State {
  std::string name;
  std::int64_t file_bytes = 0;
  H5::H5File file;
  H5::Group root;
  ResultsInfo info;
  std::vector<DatasetSummary> datasets;
  std::map<std::string, GroupReader, std::less<>> groups;
  table::Widths shared;  // layers, ranks, scripts

  [[noreturn]] void fail(const std::string& why) const {
    throw StorageError("cannot use " + name + " (" + why + "); " + kRemedy);
  }

  std::string text(const H5::Group& group, const char* attribute) const {
    const auto value = hdf5::text_attribute(group, attribute);
    if (!value) fail(std::string("attribute ") + attribute + " is missing");
    return *value;
  }

  std::int64_t integer(const H5::Group& group, const char* attribute) const {
    const auto value = hdf5::integer_attribute(group, attribute);
    if (!value) fail(std::string("attribute ") + attribute + " is missing");
    return *value;
  }

  std::int64_t scale_length(const char* scale) const {
    if (!hdf5::has_link(root, scale)) fail(std::string(scale) + " is missing");
    const hdf5::Lengths lengths = hdf5::lengths_of(root.openDataSet(scale));
    if (lengths.size() != 1 || lengths[0] > kMostEntries) {
      fail(std::string(scale) + " is not a scale");
    }
    return static_cast<std::int64_t>(lengths[0]);
  }

  void open(const std::filesystem::path& path) {
    // Whose file it is comes first, then its version: only then are the others
    // known to mean what they say.
    file = hdf5::open_file(path);
    root = file.openGroup("/");
    if (hdf5::text_attribute(root, "format") != kResultsFormat) {
      throw StorageError("cannot read " + name +
                         " (it is not a results file); give the results.h5 "
                         "of a run");
    }
    const std::int64_t version = integer(root, "format_version");
    if (version != kFormatVersion) {
      throw StorageError("cannot read " + name + " (format version " +
                         std::to_string(version) + ", this program knows " +
                         std::to_string(kFormatVersion) +
                         "); use the program that wrote it");
    }
    info = {.run_id = text(root, "run_id"),
            .software_version = text(root, "software_version"),
            .git_commit = text(root, "git_commit"),
            .config_json = text(root, "config_json"),
            .model_name = text(root, "model_name"),
            .model_sha256 = text(root, "model_sha256"),
            .tokenizer_sha256 = text(root, "tokenizer_sha256"),
            .dtype = text(root, "dtype"),
            .device_names = text(root, "device_names"),
            .samples_total = integer(root, "samples_total"),
            .samples_ok = integer(root, "samples_ok"),
            .samples_failed = integer(root, "samples_failed"),
            .complete = integer(root, "complete") != 0};
    shared.layers = scale_length("layer");
    shared.ranks = scale_length("rank");
    shared.scripts = scale_length("script");
    for (const std::string& child : hdf5::child_groups(root)) {
      if (child != "vocabulary") open_group(child);
    }
  }

  void open_group(const std::string& child) {
    const auto [entry, added] = groups.emplace(
        child,
        GroupReader(root.openGroup(child), file_bytes, name + ":/" + child));
    const table::Extents& extents = entry->second.extents();
    const table::Widths& widths = extents.widths;
    if (widths.layers != shared.layers || widths.ranks != shared.ranks ||
        widths.scripts != shared.scripts) {
      fail("/" + child + " has other layers, ranks or scripts than the root");
    }
    const H5::Group& group = entry->second.group();
    datasets.push_back({.name = child,
                        .samples = extents.samples,
                        .samples_total = integer(group, "samples_total"),
                        .samples_ok = integer(group, "samples_ok"),
                        .samples_failed = integer(group, "samples_failed"),
                        .tokens = extents.tokens,
                        .content_sha256 = text(group, "content_sha256")});
  }

  const GroupReader& group(std::string_view dataset) const {
    const auto found = groups.find(dataset);
    if (found == groups.end()) {
      fail("it has no data set " + std::string(dataset));
    }
    return found->second;
  }

  const Column& column(const GroupReader& reader,
                       std::string_view wanted) const {
    const Column* found = reader.find(wanted);
    if (found == nullptr) fail("it has no column " + std::string(wanted));
    return *found;
  }

  static void check_rows(const char* what, std::int64_t begin, std::int64_t end,
                         std::int64_t rows, std::string_view dataset) {
    if (begin >= 0 && begin <= end && end <= rows) return;
    throw StorageError("cannot read " + std::string(what) + " " +
                       std::to_string(begin) + ".." + std::to_string(end) +
                       " of " + std::string(dataset) + " (it has " +
                       std::to_string(rows) + "); ask for " + what + " it has");
  }

  template <class Body>
  auto call(Body&& body) const {
    return hdf5::call("read " + name, kRemedy, std::forward<Body>(body));
  }
};

ResultsReader::ResultsReader(const std::filesystem::path& file)
    : state_(std::make_unique<State>()) {
  state_->name = file.string();
  state_->file_bytes = InputDescriptor(file).bytes();
  state_->call([&] { state_->open(file); });
}

ResultsReader::~ResultsReader() {
  // Closing walks through what the file claims, as reading does, and is watched
  // as that.
  const LibraryCall closing;
  state_.reset();
}
ResultsReader::ResultsReader(ResultsReader&&) noexcept = default;
ResultsReader& ResultsReader::operator=(ResultsReader&&) noexcept = default;

const ResultsInfo& ResultsReader::info() const { return state_->info; }

const std::vector<DatasetSummary>& ResultsReader::datasets() const {
  return state_->datasets;
}

const DatasetSummary& ResultsReader::dataset(std::string_view name) const {
  for (const DatasetSummary& summary : state_->datasets) {
    if (summary.name == name) return summary;
  }
  state_->fail("it has no data set " + std::string(name));
}

std::int64_t ResultsReader::layers() const { return state_->shared.layers; }
std::int64_t ResultsReader::ranks() const { return state_->shared.ranks; }
std::int64_t ResultsReader::scripts() const { return state_->shared.scripts; }

std::vector<std::string> ResultsReader::script_names() const {
  return state_->call([&] {
    const H5::DataSet scale = state_->root.openDataSet("script");
    if (!hdf5::has_type(scale, ColumnType::kString)) {
      state_->fail("/script holds no names");
    }
    return std::get<std::vector<std::string>>(hdf5::read_rows(
        scale, ColumnType::kString, 0, static_cast<hsize_t>(scripts())));
  });
}

Vocabulary ResultsReader::vocabulary() const {
  return state_->call([&] {
    return read_vocabulary_group(state_->root, state_->file_bytes,
                                 state_->name);
  });
}

std::vector<std::string> ResultsReader::columns(
    std::string_view dataset) const {
  std::vector<std::string> names;
  for (const Column* column :
       table::columns_of(state_->group(dataset).extents().widths)) {
    names.emplace_back(column->name);
  }
  return names;
}

bool ResultsReader::has(std::string_view dataset,
                        std::string_view column) const {
  return state_->group(dataset).find(column) != nullptr;
}

std::vector<std::int64_t> ResultsReader::shape(std::string_view dataset,
                                               std::string_view column) const {
  const GroupReader& reader = state_->group(dataset);
  return reader.extents().shape(state_->column(reader, column));
}

template <class Value>
std::vector<Value> ResultsReader::read(std::string_view dataset,
                                       std::string_view column,
                                       std::int64_t begin,
                                       std::int64_t end) const {
  const GroupReader& reader = state_->group(dataset);
  const Column& found = state_->column(reader, column);
  const std::int64_t rows = reader.extents().length(found.axes[0]);
  if (begin < 0 || begin > end || end > rows) {
    throw StorageError("cannot read rows " + std::to_string(begin) + ".." +
                       std::to_string(end) + " of " + std::string(column) +
                       " (it has " + std::to_string(rows) +
                       "); ask for rows it has");
  }
  ColumnValues values =
      state_->call([&] { return reader.read(found, begin, end); });
  auto* typed = std::get_if<std::vector<Value>>(&values);
  if (typed == nullptr) {
    throw StorageError(
        "cannot read " + std::string(column) + " as asked (its type is " +
        std::string(table::type_name(found.type)) + "); read it as that");
  }
  return std::move(*typed);
}

template <class Value>
std::vector<Value> ResultsReader::read_all(std::string_view dataset,
                                           std::string_view column) const {
  return read<Value>(dataset, column, 0, shape(dataset, column)[0]);
}

#define LENS_INSTANTIATE(Value)                                              \
  template std::vector<Value> ResultsReader::read<Value>(                    \
      std::string_view, std::string_view, std::int64_t, std::int64_t) const; \
  template std::vector<Value> ResultsReader::read_all<Value>(                \
      std::string_view, std::string_view) const;
LENS_INSTANTIATE(std::string)
LENS_INSTANTIATE(std::int64_t)
LENS_INSTANTIATE(std::int32_t)
LENS_INSTANTIATE(std::uint8_t)
LENS_INSTANTIATE(float)
#undef LENS_INSTANTIATE

UnitResult ResultsReader::read_samples(std::string_view dataset,
                                       std::int64_t begin,
                                       std::int64_t end) const {
  const GroupReader& reader = state_->group(dataset);
  state_->check_rows("samples", begin, end, reader.extents().samples, dataset);
  return state_->call([&] { return reader.read_samples(begin, end); });
}

std::vector<SampleRecord> ResultsReader::read_records(
    std::string_view dataset, std::int64_t begin, std::int64_t end,
    const table::ColumnSet& wanted) const {
  const GroupReader& reader = state_->group(dataset);
  state_->check_rows("samples", begin, end, reader.extents().samples, dataset);
  return state_->call([&] { return reader.read_records(begin, end, wanted); });
}

table::TokenRows ResultsReader::read_tokens(
    std::string_view dataset, std::int64_t begin, std::int64_t end,
    const table::ColumnSet& wanted) const {
  const GroupReader& reader = state_->group(dataset);
  state_->check_rows("tokens", begin, end, reader.extents().tokens, dataset);
  return state_->call([&] { return reader.read_tokens(begin, end, wanted); });
}

std::vector<double> ResultsReader::read_mean_entropy(
    std::string_view dataset) const {
  const auto layer_count = static_cast<std::size_t>(layers());
  std::vector<double> mean(layer_count, 0.0);
  std::int64_t counted = 0;
  const std::int64_t samples = state_->group(dataset).extents().samples;
  constexpr std::int64_t kBlock = 8192;
  for (std::int64_t begin = 0; begin < samples; begin += kBlock) {
    const std::int64_t end = std::min(samples, begin + kBlock);
    const auto status = read<std::uint8_t>(dataset, "status", begin, end);
    const auto rows = read<float>(dataset, "entropy_mean", begin, end);
    for (std::size_t s = 0; s < status.size(); ++s) {
      const float* row = rows.data() + s * layer_count;
      if (status[s] != static_cast<std::uint8_t>(SampleStatus::kOk) ||
          std::isnan(row[0])) {
        continue;
      }
      ++counted;
      for (std::size_t l = 0; l < layer_count; ++l) mean[l] += row[l];
    }
  }
  for (double& value : mean) {
    value = counted > 0 ? value / static_cast<double>(counted)
                        : std::numeric_limits<double>::quiet_NaN();
  }
  return mean;
}

void ResultsReader::check_scales() const {
  state_->call([&] {
    for (const auto& [name, reader] : state_->groups) {
      reader.check_scales(state_->root);
    }
  });
}

}  // namespace lens::storage
