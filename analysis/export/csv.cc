#include "analysis/export/csv.h"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <system_error>

#include "base/error.h"
#include "base/output_target.h"

namespace lens::analysis::tables {
namespace {

constexpr std::size_t kHeldBytes = 1 << 18;

template <class Number>
void append_digits(std::string& out, Number value) {
  char digits[64];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

template <class Real>
void append_real(std::string& out, Real value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else {
    append_digits(out, value);
  }
}

}  // namespace

void CsvRecords::separate() {
  if (!first_) content_ += ',';
  first_ = false;
}

CsvRecords& CsvRecords::text(std::string_view value) {
  separate();
  content_ += '"';
  for (const char c : value) {
    if (c == '"') content_ += '"';
    content_ += c;
  }
  content_ += '"';
  return *this;
}

CsvRecords& CsvRecords::number(float value) {
  separate();
  append_real(content_, value);
  return *this;
}

CsvRecords& CsvRecords::number(double value) {
  separate();
  append_real(content_, value);
  return *this;
}

CsvRecords& CsvRecords::number(std::int64_t value) {
  separate();
  append_digits(content_, value);
  return *this;
}

CsvRecords& CsvRecords::number(std::int32_t value) {
  separate();
  append_digits(content_, value);
  return *this;
}

CsvRecords& CsvRecords::end_record() {
  content_ += "\r\n";
  first_ = true;
  return *this;
}

TableFile::TableFile(const std::filesystem::path& file)
    : file_(output_target(file)), temporary_(file_.string() + ".tmp") {
  std::error_code error;
  if (file_.has_parent_path())
    std::filesystem::create_directories(file_.parent_path(), error);
  errno = error.value();
  if (error) fail("make the folder of");
  stream_.open(temporary_, std::ios::binary | std::ios::trunc);
  if (!stream_) fail("create");
}

TableFile::~TableFile() {
  if (committed_) return;
  stream_.close();
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

void TableFile::fail(const std::string& action) const {
  const std::string why = errno != 0 ? std::strerror(errno) : "unknown reason";
  throw StorageError("cannot " + action + " " + file_.string() + " (" + why +
                     "); free space or choose a folder you may write "
                     "to, then run the same command again");
}

void TableFile::append(std::string_view text) {
  errno = 0;
  if (!stream_.write(text.data(), static_cast<std::streamsize>(text.size())))
    fail("write");
}

void TableFile::commit() {
  errno = 0;
  stream_.close();
  if (!stream_) fail("write");
  std::error_code error;
  std::filesystem::rename(temporary_, file_, error);
  errno = error.value();
  if (error) fail("place");
  committed_ = true;
}

void CsvFile::end_record() {
  records_.end_record();
  if (records_.content().size() < kHeldBytes) return;
  file_.append(records_.content());
  records_.clear();
}

void CsvFile::commit() {
  file_.append(records_.content());
  records_.clear();
  file_.commit();
}

}  // namespace lens::analysis::tables
