#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "input/data/description.h"
#include "input/data/row.h"

namespace lens::data {

// `question` put into `prompt_template` in one pass (braces in the question are
// left alone).
std::string fill_prompt(std::string_view prompt_template,
                        std::string_view question);

// The files of a split, and what was chosen where there was more to choose
// from: a line each.
struct SplitFiles {
  std::vector<std::filesystem::path> files;
  std::vector<std::string> notes;
};

// The Parquet files of `split` under `path` in row order: a file, a folder of
// files, or a Hugging Face snapshot folder (CONFIG/SPLIT-0000k-of-0000n.parquet
// or data/SPLIT-...). Where several folders have the split, data/ is taken as
// `datasets` does, or else full/; where both are there, or neither, the error
// lists them. Throws lens::InputError, also for a split that is there twice and
// for a file that cannot be read (input/file/input_file.h).
SplitFiles find_split(const std::filesystem::path& path,
                      std::string_view split);

// The files of `split` under `path`, whatever their format: a file; a folder
// with metadata.jsonl or metadata.csv in it or in its folder SPLIT, which name
// pictures; Parquet as find_split() looks for it; else all pictures below the
// folder. Throws as find_split().
SplitFiles find_data(const std::filesystem::path& path, std::string_view split);

// What planning needs of a row, read without its image.
struct RowOutline {
  std::int64_t row = 0;
  std::string key = {};  // as in Row
  std::string language = {};
  std::int32_t samples = 1;  // questions, 1 where they cannot be read
  // The picture that it names, whether it is there or not; empty where its file
  // holds pictures.
  std::filesystem::path picture = {};
};

// Reads the files of one data set by column name, row group by row group; at
// most one row group of images is in memory. Not thread-safe.
class Dataset {
 public:
  // Opens all files and checks their columns; pictures alone are a row each,
  // named from `root` on. Throws lens::InputError: missing file or column
  // (names those present), wrong type, damaged, truncated.
  Dataset(Description description,
          const std::vector<std::filesystem::path>& files,
          const std::filesystem::path& root = {});
  Dataset(Dataset&&) noexcept;
  ~Dataset();

  std::int64_t rows() const;
  std::vector<RowOutline> outline() const;

  // Rows [begin, end) in order. Languages empty: all. Throws lens::InputError
  // when disk or memory fail; damaged rows say so themselves.
  std::vector<Row> read(std::int64_t begin, std::int64_t end,
                        const std::vector<std::string>& languages) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The answers that count as right as results hold them: one as it is, several
// as a JSON list, none as "".
std::string reference_text(const std::vector<std::string>& answers);

// Stable key of a sample: that of its row, or "row.question" where a row may
// hold several.
std::string sample_id(const Description& description,
                      const std::string& row_key, int question);

}  // namespace lens::data
