#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include "worker/data/dataset.h"
#include "worker/data/utf8.h"
#include "worker/error.h"

namespace lens::data {
namespace {

namespace fs = std::filesystem;
using Files = std::vector<fs::path>;

std::string shown(const fs::path& path) { return one_line(path.string(), 500); }

// A file name of the Hub: SPLIT.parquet or SPLIT-0000k-of-0000n.parquet, the
// latter in older data sets with a fingerprint behind it.
struct SplitName {
  std::string split;
  int index = 0;
  int count = 1;
};

// Takes "-00001-of-00007" off the end of `name`.
std::optional<SplitName> numbered(std::string_view name) {
  constexpr std::string_view kPattern = "-00000-of-00000";
  if (name.size() <= kPattern.size()) return std::nullopt;
  const std::string_view tail = name.substr(name.size() - kPattern.size());
  int numbers[2] = {0, 0};
  for (std::size_t i = 0; i < tail.size(); ++i) {
    if (kPattern[i] != '0') {
      if (tail[i] != kPattern[i]) return std::nullopt;
      continue;
    }
    if (tail[i] < '0' || tail[i] > '9') return std::nullopt;
    int& number = numbers[i < kPattern.size() / 2 ? 0 : 1];
    number = number * 10 + (tail[i] - '0');
  }
  name.remove_suffix(kPattern.size());
  return SplitName{std::string(name), numbers[0], numbers[1]};
}

std::optional<SplitName> split_name(std::string_view file) {
  constexpr std::string_view kExtension = ".parquet";
  if (!file.ends_with(kExtension)) return std::nullopt;
  file.remove_suffix(kExtension.size());
  for (const char* plain :
       {"train", "test", "validation", "val", "valid", "dev"}) {
    if (file == plain) return SplitName{plain, 0, 1};
  }
  if (auto name = numbered(file)) return name;
  const std::size_t dash = file.rfind('-');
  const bool fingerprint =
      dash != std::string_view::npos && dash + 1 < file.size() &&
      file.find_first_not_of("0123456789abcdef", dash + 1) ==
          std::string_view::npos;
  return fingerprint ? numbered(file.substr(0, dash)) : std::nullopt;
}

// The files of one split in one folder.
struct Split {
  fs::path folder;
  std::string name;
  std::multimap<int, fs::path> numbered;
  std::set<int> counts;  // the n of "-of-n"

  Files files() const;
};

// Invariant: all n files are there, each once. A download that stopped half-way
// must not pass for a smaller data set.
Files Split::files() const {
  const std::string what =
      "split '" + one_line(name, 60) + "' in " + shown(folder);
  if (counts.size() > 1) {
    throw InputError(what + " is there in two divisions",
                     "files '-of-" + std::to_string(*counts.begin()) +
                         "' and '-of-" + std::to_string(*counts.rbegin()) + "'",
                     "keep one of them");
  }
  const int count = *counts.begin();
  int expected = 0;
  Files files;
  for (const auto& [index, file] : numbered) {
    if (index < expected) {
      throw InputError(what + " has two files of one number",
                       shown(file.filename()), "remove one of them");
    }
    if (index > expected) break;
    files.push_back(file);
    ++expected;
  }
  if (expected != count || files.size() != numbered.size()) {
    throw InputError(what + " is not complete",
                     std::to_string(numbered.size()) + " of " +
                         std::to_string(count) +
                         " files, the first one missing is number " +
                         std::to_string(expected),
                     "download it again");
  }
  return files;
}

using Splits = std::map<std::string, Split>;

// What one folder holds, read once.
struct Folder {
  Splits splits;
  Files others;  // Parquet files of no split's name
  std::vector<fs::path> folders;
};

Folder list(const fs::path& path) {
  Folder folder;
  std::error_code error;
  fs::directory_iterator entry(path, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with('.')) continue;
    std::error_code ignored;
    if (entry->is_directory(ignored)) {
      folder.folders.push_back(entry->path());
    } else if (const auto part = split_name(name)) {
      Split& split = folder.splits[part->split];
      split.folder = path;
      split.name = part->split;
      split.numbered.emplace(part->index, entry->path());
      split.counts.insert(part->count);
    } else if (entry->path().extension() == ".parquet") {
      folder.others.push_back(entry->path());
    }
  }
  if (error) {
    throw InputError("cannot list " + shown(path), error.message(),
                     "check the folder and its rights");
  }
  std::sort(folder.others.begin(), folder.others.end());
  std::sort(folder.folders.begin(), folder.folders.end());
  return folder;
}

// Also takes the layout of the Hub's converted copies: SPLIT/0000.parquet.
Splits splits_of(const Folder& folder) {
  Splits splits = folder.splits;
  for (const fs::path& inner : folder.folders) {
    const std::string name = inner.filename().string();
    if (name != "train" && name != "test" && name != "validation") continue;
    const Folder files = list(inner);
    if (!files.splits.empty() || files.others.empty()) continue;
    Split split{.folder = inner, .name = name, .numbered = {}, .counts = {}};
    for (const fs::path& file : files.others) {
      split.numbered.emplace(static_cast<int>(split.numbered.size()), file);
    }
    split.counts.insert(static_cast<int>(split.numbered.size()));
    splits.emplace(name, std::move(split));
  }
  return splits;
}

// A folder of the Hub's cache keeps revisions under snapshots/.
fs::path snapshot_of(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path / "snapshots", error)) return path;
  std::string revision;
  std::ifstream(path / "refs" / "main") >> revision;
  const bool plain =
      !revision.empty() && revision.find('/') == std::string::npos;
  if (plain && fs::is_directory(path / "snapshots" / revision, error)) {
    return path / "snapshots" / revision;
  }
  const Folder snapshots = list(path / "snapshots");
  if (snapshots.folders.size() == 1) return snapshots.folders.front();
  throw InputError(
      "cannot choose a revision in " + shown(path),
      std::to_string(snapshots.folders.size()) + " folders in snapshots/",
      "give the folder of one revision");
}

std::string names_in(const Splits& splits) {
  std::string names;
  for (const auto& [name, split] : splits) {
    names += (names.empty() ? "" : ", ") + one_line(name, 100);
  }
  return names.empty() ? "none" : names;
}

}  // namespace

std::vector<fs::path> find_split(const fs::path& given,
                                 std::string_view split) {
  std::error_code error;
  const fs::file_status status = fs::status(given, error);
  if (!fs::exists(status)) {
    throw InputError("no data set at " + shown(given),
                     status.type() == fs::file_type::not_found
                         ? "no such file or folder"
                         : error.message(),
                     "give a Parquet file, a folder of them, or a Hugging "
                     "Face snapshot folder");
  }
  if (!fs::is_directory(status)) return {given};

  const fs::path path = snapshot_of(given);
  const std::string wanted(split);
  const Folder top = list(path);
  const Splits here = splits_of(top);
  if (here.contains(wanted)) return here.at(wanted).files();
  if (here.empty() && !top.others.empty()) return top.others;

  Splits found = here;  // of any name, for the message
  Splits configs;       // by the folder that has the split
  for (const fs::path& inner : top.folders) {
    for (const auto& [name, files] : splits_of(list(inner))) {
      found.emplace(name, files);
      if (name == wanted) configs.emplace(inner.filename().string(), files);
    }
  }
  for (const char* preferred : {"data", "full"}) {
    if (configs.contains(preferred)) return configs.at(preferred).files();
  }
  if (configs.size() == 1) return configs.begin()->second.files();
  if (configs.empty()) {
    throw InputError(
        "no split '" + one_line(wanted, 60) + "' in " + shown(path),
        "splits found: " + names_in(found),
        "choose one with --split, or give a Parquet file");
  }
  throw InputError("split '" + one_line(wanted, 60) + "' in " + shown(path) +
                       " is there in several configurations",
                   names_in(configs), "give the folder of one of them");
}

}  // namespace lens::data
