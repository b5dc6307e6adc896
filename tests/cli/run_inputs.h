#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lens::cli {

// One row of a small MTVQA file: a language and its questions.
struct MtvqaRow {
  std::string language;
  std::vector<std::string> questions;
};

// Parquet files with the columns of the data sets; every image is the bytes of
// `image`.
void write_mtvqa(const std::filesystem::path& file,
                 const std::vector<MtvqaRow>& rows, const std::string& image);
void write_latex_ocr(const std::filesystem::path& file,
                     const std::vector<std::string>& formulas,
                     const std::string& image);

// The tiny checkpoint that comes with the tests.
std::filesystem::path tiny_checkpoint();
// A small PNG that comes with the tests.
std::string small_png();

}  // namespace lens::cli
