#include <string>
#include <system_error>

#include "base/error.h"
#include "input/data/code_points.h"
#include "input/data/dataset.h"
#include "input/data/picture_folder.h"
#include "input/file/hub_snapshot.h"
#include "input/file/input_file.h"

namespace lens::data {
namespace {

namespace fs = std::filesystem;

std::string shown(const fs::path& path) { return one_line(path.string(), 500); }

// The table of a folder of pictures as `datasets` looks for it; empty where
// there is none.
fs::path metadata_in(const fs::path& folder) {
  for (const char* name : {"metadata.jsonl", "metadata.csv"}) {
    if (has_file(folder / name)) return folder / name;
  }
  return {};
}

bool holds_parquet(const fs::path& folder) {
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator();
       entry.increment(error)) {
    if (entry->path().extension() == ".parquet") return true;
  }
  return false;
}

}  // namespace

SplitFiles find_data(const fs::path& given, std::string_view split) {
  std::error_code error;
  if (!fs::is_directory(given, error)) return find_split(given, split);
  const fs::path folder = hub_snapshot(given);
  const fs::path of_split = folder / fs::path(split);
  if (const fs::path table = metadata_in(of_split); !table.empty()) {
    return {.files = {table}, .notes = {}};
  }
  if (const fs::path table = metadata_in(folder); !table.empty()) {
    return {
        .files = {table},
        .notes = {shown(table) + " is read as the whole data set; --split " +
                  one_line(split, 60) + " is not used"}};
  }
  if (holds_parquet(folder)) return find_split(given, split);
  const bool has_split = fs::is_directory(of_split, error);
  std::vector<fs::path> pictures = list_pictures(has_split ? of_split : folder);
  const std::size_t broken = std::erase_if(pictures, [&](const fs::path& name) {
    return !fs::is_regular_file(name, error);
  });
  if (pictures.empty()) return find_split(given, split);
  const std::string where = shown(has_split ? of_split : folder);
  SplitFiles found;
  found.notes.push_back(std::to_string(pictures.size()) + " pictures in " +
                        where + " are read as a row each");
  if (broken > 0) {
    found.notes.push_back(std::to_string(broken) + " names in " + where +
                          " are no files (links to nothing?): left out");
  }
  found.files = std::move(pictures);
  return found;
}

}  // namespace lens::data
