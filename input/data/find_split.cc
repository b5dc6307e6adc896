#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "input/data/code_points.h"
#include "input/data/dataset.h"
#include "input/file/hub_snapshot.h"
#include "input/file/input_file.h"

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
    // A 0 of the pattern stands for a digit, all else for itself.
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
  // A fingerprint: hexadecimal digits behind the last dash.
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
      // Their own numbers carry no count: by name they are in order.
      split.numbered.emplace(static_cast<int>(split.numbered.size()), file);
    }
    split.counts.insert(static_cast<int>(split.numbered.size()));
    if (!splits.emplace(name, std::move(split)).second) {
      throw InputError("split '" + name + "' is there twice",
                       "as files in " + shown(inner.parent_path()) +
                           " and in the folder " + name + " there",
                       "remove one of them");
    }
  }
  return splits;
}

std::string names_in(const Splits& splits) {
  std::string names;
  for (const auto& [name, split] : splits) {
    names += (names.empty() ? "" : ", ") + one_line(name, 100);
  }
  return names.empty() ? "none" : names;
}

// Links into nothing and the like, told before anything is read.
SplitFiles checked(SplitFiles found) {
  for (const fs::path& file : found.files) has_file(file);
  return found;
}

// A file is read as it is; its name may say that it is another split, or one
// file of several.
SplitFiles single_file(const fs::path& file, const std::string& wanted) {
  SplitFiles found{.files = {file}, .notes = {}};
  const auto name = split_name(file.filename().string());
  if (name && (name->split != wanted || name->count > 1)) {
    found.notes.push_back(
        shown(file) + " is read as the whole data set, as given" +
        (name->split == wanted ? "" : "; --split " + wanted + " is not used") +
        (name->count > 1
             ? "; it is one of " + std::to_string(name->count) + " files"
             : ""));
  }
  return checked(std::move(found));
}

SplitFiles one_folder(const fs::path& path, const Folder& top,
                      const Split& split) {
  SplitFiles found{.files = split.files(), .notes = {}};
  if (!top.others.empty()) {
    found.notes.push_back(std::to_string(top.others.size()) +
                          " Parquet files in " + shown(path) +
                          " that name no split are left out, the first is " +
                          shown(top.others.front().filename()));
  }
  return checked(std::move(found));
}

SplitFiles unnamed_files(const fs::path& path, const Folder& top,
                         const std::string& wanted) {
  return checked(
      {.files = top.others,
       .notes = {"the Parquet files in " + shown(path) +
                 " name no split: all " + std::to_string(top.others.size()) +
                 " are read, --split " + one_line(wanted, 60) +
                 " is not used"}});
}

// The folder among those that have the split.
SplitFiles choose_config(const fs::path& path, const std::string& wanted,
                         const Splits& configs) {
  const std::string what =
      "split '" + one_line(wanted, 60) + "' in " + shown(path);
  // The Hub's default configuration of the two data sets: data/ of one, full/
  // of the other.
  const char* preferred = configs.size() == 1 ? configs.begin()->first.c_str()
                          : configs.contains("data") ? "data"
                                                     : "full";
  const bool both = configs.contains("data") && configs.contains("full");
  if (both || !configs.contains(preferred)) {
    throw InputError(what + " is there in several configurations",
                     names_in(configs), "give the folder of one of them");
  }
  SplitFiles found{.files = configs.at(preferred).files(), .notes = {}};
  if (configs.size() > 1) {
    found.notes.push_back(what + " is that of " + preferred + "/; all of " +
                          names_in(configs) + " have one");
  }
  return checked(std::move(found));
}

}  // namespace

SplitFiles find_split(const fs::path& given, std::string_view split) {
  const std::string wanted(split);
  std::error_code error;
  if (!fs::is_directory(given, error)) {
    if (!has_file(given)) {
      throw InputError("no data set at " + shown(given),
                       "no such file or folder",
                       "give a Parquet file, a folder of them, or a Hugging "
                       "Face snapshot folder");
    }
    return single_file(given, wanted);
  }

  const fs::path path = hub_snapshot(given);
  const Folder top = list(path);
  const Splits here = splits_of(top);
  if (here.contains(wanted)) return one_folder(path, top, here.at(wanted));
  // Files that somebody has named himself.
  if (here.empty() && !top.others.empty()) {
    return unnamed_files(path, top, wanted);
  }

  Splits found = here;  // of any name, for the message
  Splits configs;       // by the folder that has the split
  for (const fs::path& inner : top.folders) {
    for (const auto& [name, files] : splits_of(list(inner))) {
      found.emplace(name, files);
      if (name == wanted) configs.emplace(inner.filename().string(), files);
    }
  }
  if (configs.empty()) {
    throw InputError(
        "no split '" + one_line(wanted, 60) + "' in " + shown(path),
        "splits found: " + names_in(found),
        "choose one with --split, or give a Parquet file");
  }
  return choose_config(path, wanted, configs);
}

}  // namespace lens::data
