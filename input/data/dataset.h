#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "input/data/row.h"

namespace lens::data {

enum class DatasetKind { kMtvqa, kLatexOcr };

// "mtvqa" or "latex_ocr". Throws lens::InputError for another name.
DatasetKind dataset_kind(std::string_view name);

// The prompt template of the contract; "{question}" is replaced.
std::string default_prompt(DatasetKind kind);

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

// What planning needs of a row, read without its image.
struct RowOutline {
  std::int64_t row = 0;
  std::string language;
  std::int32_t samples = 1;  // questions, 1 where they cannot be read
};

// Reads the files of one data set by column name, row group by row group; at
// most one row group of images is in memory. Not thread-safe.
class Dataset {
 public:
  // Opens all files and checks their schemas. Throws lens::InputError: missing
  // file or column (names those present), wrong type, not Parquet, truncated.
  Dataset(DatasetKind kind, std::vector<std::filesystem::path> files);
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

// Stable key of a sample: "row" (latex_ocr) or "row.question" (mtvqa).
std::string sample_id(DatasetKind kind, std::int64_t row, int question);

}  // namespace lens::data
