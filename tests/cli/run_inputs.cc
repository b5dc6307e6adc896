#include "tests/cli/run_inputs.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <parquet/arrow/writer.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace lens::cli {
namespace {

namespace fs = std::filesystem;

void check(const arrow::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

std::shared_ptr<arrow::Array> text_column(
    const std::vector<std::string>& values) {
  arrow::StringBuilder builder;
  check(builder.AppendValues(values));
  return builder.Finish().ValueOrDie();
}

// struct<bytes: binary, path: string>, as the Hub's image feature.
std::shared_ptr<arrow::Array> image_column(const std::string& image,
                                           std::size_t rows) {
  arrow::BinaryBuilder bytes;
  arrow::StringBuilder path;
  for (std::size_t row = 0; row < rows; ++row) {
    check(bytes.Append(image));
    check(path.Append("image.png"));
  }
  return arrow::StructArray::Make(
             arrow::ArrayVector{bytes.Finish().ValueOrDie(),
                                path.Finish().ValueOrDie()},
             std::vector<std::string>{"bytes", "path"})
      .ValueOrDie();
}

void write(const fs::path& file, const std::vector<std::string>& names,
           const arrow::ArrayVector& columns) {
  arrow::FieldVector fields;
  for (std::size_t i = 0; i < names.size(); ++i)
    fields.push_back(arrow::field(names[i], columns[i]->type()));
  const auto table = arrow::Table::Make(arrow::schema(fields), columns);
  fs::create_directories(file.parent_path());
  const auto out = arrow::io::FileOutputStream::Open(file).ValueOrDie();
  check(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), out,
                                   /*chunk_size=*/4));
  check(out->Close());
}

}  // namespace

void write_mtvqa(const fs::path& file, const std::vector<MtvqaRow>& rows,
                 const std::string& image) {
  std::vector<std::string> ids, pairs, languages;
  for (const MtvqaRow& row : rows) {
    std::string list = "[";
    for (const std::string& question : row.questions)
      list += std::string(list.size() > 1 ? ", " : "") + "{'question': '" +
              question + "', 'answer': 'a'}";
    ids.push_back(std::to_string(ids.size()));
    pairs.push_back(list + "]");
    languages.push_back(row.language);
  }
  write(file, {"image", "id", "qa_pairs", "lang"},
        {image_column(image, rows.size()), text_column(ids), text_column(pairs),
         text_column(languages)});
}

void write_latex_ocr(const fs::path& file,
                     const std::vector<std::string>& formulas,
                     const std::string& image) {
  write(file, {"image", "text"},
        {image_column(image, formulas.size()), text_column(formulas)});
}

fs::path tiny_checkpoint() {
  return fs::path(LENS_SOURCE_DIR) / "tests/data/tiny-checkpoint";
}

std::string small_png() {
  std::ifstream stream(
      fs::path(LENS_SOURCE_DIR) / "tests/data/images/train_30.png",
      std::ios::binary);
  std::stringstream bytes;
  bytes << stream.rdbuf();
  return bytes.str();
}

}  // namespace lens::cli
