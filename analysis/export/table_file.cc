#include "analysis/export/table_file.h"

#include <arrow/io/file.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include <optional>
#include <system_error>

#include "base/error.h"
#include "base/output_target.h"

namespace lens::analysis::tables {
namespace {

// The reason of the system stands in the detail, where there is one.
std::string reason(const arrow::Status& status) {
  return status.detail() ? status.detail()->ToString() : status.message();
}

}  // namespace

TableFile::TableFile(const std::filesystem::path& file)
    : file_(output_target(file)), temporary_(file_.string() + ".tmp") {
  std::error_code error;
  if (file_.has_parent_path())
    std::filesystem::create_directories(file_.parent_path(), error);
  if (error) fail("make the folder of", error.message());
  auto stream = arrow::io::FileOutputStream::Open(temporary_.string());
  if (!stream.ok()) fail("create", reason(stream.status()));
  stream_ = *stream;
}

TableFile::~TableFile() {
  if (committed_) return;
  // What was held back cannot be written either, where a write failed.
  stream_->Abort().ok();
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

void TableFile::fail(const std::string& action, const std::string& why) const {
  throw StorageError("cannot " + action + " " + file_.string() + " (" + why +
                     "); free space or choose a folder you may write "
                     "to, then run the same command again");
}

void TableFile::check(const std::function<arrow::Status()>& write) const {
  // Parquet's writer throws as well.
  std::optional<std::string> why;
  try {
    const arrow::Status status = write();
    if (!status.ok()) why = reason(status);
  } catch (const std::exception& error) {
    why = error.what();
  }
  if (why) fail("write", *why);
}

void TableFile::append(std::string_view text) {
  check([&] { return stream_->Write(text); });
}

void TableFile::commit() {
  check([&] { return stream_->Close(); });
  std::error_code error;
  std::filesystem::rename(temporary_, file_, error);
  if (error) fail("place", error.message());
  committed_ = true;
}

}  // namespace lens::analysis::tables
