#include "analysis/report/pictures.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "base/sha256.h"
#include "input/data/dataset.h"
#include "input/data/manifest_map.h"

namespace lens::analysis::report {
namespace {

namespace fs = std::filesystem;

// Throws InputError unless the file is the one that the run has read.
void check_unchanged(const storage::InputFile& file) {
  struct stat status = {};
  if (stat(file.path.c_str(), &status) != 0)
    throw InputError(file.path + " is gone");
  if (status.st_size != file.bytes)
    throw InputError(file.path + " was changed since the run");
  const std::int64_t modified_ns =
      std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 +
      status.st_mtim.tv_nsec;
  // Another time alone may be that of a copy: then the bytes decide.
  if (modified_ns == file.modified_ns) return;
  if (sha256_file(file.path) != file.sha256)
    throw InputError(file.path + " was changed since the run");
}

data::Dataset open_dataset(const storage::Manifest& manifest,
                           const storage::DatasetInput& input) {
  std::vector<fs::path> files;
  for (const storage::InputFile& file : input.files) {
    check_unchanged(file);
    files.emplace_back(file.path);
  }
  return data::Dataset(data::description_of(manifest.config, input.name), files,
                       input.path);
}

Thumbnail without(std::string reason) {
  Thumbnail thumbnail;
  thumbnail.reason = std::move(reason);
  return thumbnail;
}

bool same_size(const Thumbnail& thumbnail, const PictureRequest& request) {
  return request.width == 0 || (thumbnail.source_width == request.width &&
                                thumbnail.source_height == request.height);
}

Thumbnail read_picture(const data::Dataset& dataset,
                       std::span<const storage::InputFile> pictures,
                       const PictureRequest& request) {
  if (request.source_row < 0 || request.source_row >= dataset.rows())
    return without("the data set has no such row");
  const std::vector<data::Row> rows =
      dataset.read(request.source_row, request.source_row + 1, {});
  if (rows.empty()) return without("the data set has no such row");
  if (rows.front().image.empty()) return without(rows.front().failure);
  for (const storage::InputFile& picture : pictures)
    if (picture.path == rows.front().picture) check_unchanged(picture);
  Thumbnail thumbnail = make_thumbnail(rows.front().image);
  if (thumbnail.uri.empty() || same_size(thumbnail, request)) return thumbnail;
  return without(
      fmt::format("the picture is now {} x {} pixels and was "
                  "{} x {} in the run",
                  thumbnail.source_width, thumbnail.source_height,
                  request.width, request.height));
}

// In the order of rows: a row group of the file is then decoded once.
void read_all(const data::Dataset& dataset,
              std::span<const storage::InputFile> pictures,
              std::span<const PictureRequest> requests,
              std::vector<Thumbnail>& thumbnails) {
  std::multimap<std::int64_t, std::size_t> by_row;
  for (std::size_t i = 0; i < requests.size(); ++i)
    by_row.emplace(requests[i].source_row, i);
  for (const auto& [row, i] : by_row)
    thumbnails[i] = read_picture(dataset, pictures, requests[i]);
}

}  // namespace

Pictures read_pictures(const storage::Manifest& manifest,
                       const std::string& dataset,
                       std::span<const PictureRequest> requests) {
  Pictures pictures;
  pictures.thumbnails.resize(requests.size());
  if (manifest.config.image == storage::kBlankImages) {
    // The data set's picture is not what the numbers are about.
    pictures.missing =
        "the model saw uniform ones of their sizes instead (--image blank)";
    for (Thumbnail& thumbnail : pictures.thumbnails)
      thumbnail = without("the model saw a uniform picture (--image blank)");
    return pictures;
  }
  const auto input =
      std::find_if(manifest.datasets.begin(), manifest.datasets.end(),
                   [&](const auto& entry) { return entry.name == dataset; });
  try {
    if (input == manifest.datasets.end())
      throw InputError("the manifest does not name this data set");
    read_all(open_dataset(manifest, *input), input->pictures, requests,
             pictures.thumbnails);
  } catch (const std::exception& error) {
    // Disk, format, memory: a report without pictures is still a report.
    pictures.missing = error.what();
    for (Thumbnail& thumbnail : pictures.thumbnails)
      if (thumbnail.uri.empty() && thumbnail.reason.empty())
        thumbnail.reason = error.what();
  }
  return pictures;
}

}  // namespace lens::analysis::report
