#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace lens::analysis::tables {

// Records of CSV as RFC 4180 has them: UTF-8 without a byte order mark, fields
// separated by commas, records ended by CR LF. Text is always quoted and its
// quotes doubled, numbers never are: so "" is empty text, "NA" is text, and
// every text comes back as it was, with its line breaks.
class CsvRecords {
 public:
  CsvRecords& text(std::string_view value);
  // The shortest digits that read back as the same value; "NaN" where there is
  // none, "inf" and "-inf".
  CsvRecords& number(float value);
  CsvRecords& number(double value);
  CsvRecords& number(std::int64_t value);
  CsvRecords& number(std::int32_t value);
  CsvRecords& end_record();

  const std::string& content() const { return content_; }
  void clear() { content_.clear(); }

 private:
  void separate();

  std::string content_;
  bool first_ = true;
};

// A file that appears whole under its name. Content goes to FILE.tmp; commit()
// renames it. Without commit() the destructor removes FILE.tmp. It is not
// synced: an export can be made again. Throws StorageError.
class TableFile {
 public:
  // Makes the folders above `file` where they are missing.
  explicit TableFile(const std::filesystem::path& file);
  ~TableFile();
  TableFile(const TableFile&) = delete;
  TableFile& operator=(const TableFile&) = delete;

  const std::filesystem::path& temporary() const { return temporary_; }

  void append(std::string_view text);
  void commit();

 private:
  [[noreturn]] void fail(const std::string& action) const;

  std::filesystem::path file_;
  std::filesystem::path temporary_;
  std::ofstream stream_;
  bool committed_ = false;
};

// A CSV file; some records are held back and written together.
class CsvFile {
 public:
  explicit CsvFile(std::filesystem::path file) : file_(std::move(file)) {}

  CsvRecords& records() { return records_; }
  void end_record();
  void commit();

 private:
  TableFile file_;
  CsvRecords records_;
};

}  // namespace lens::analysis::tables
