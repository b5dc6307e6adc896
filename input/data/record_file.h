#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lens::data {

// What ends a record of a text file: a line's end, or one that stands outside
// of quotes (RFC 4180).
enum class Quoting { kNone, kCsv };

// Finds the ends of records, byte by byte.
class RecordCutter {
 public:
  explicit RecordCutter(Quoting quoting) : quoting_(quoting) {}

  // Whether `byte` ends the record that it stands in.
  bool take(char byte);

 private:
  enum class At { kFieldStart, kPlain, kQuoted, kQuoteInQuoted };
  Quoting quoting_;
  At at_ = At::kFieldStart;
};

// One record without its line's end.
struct Record {
  std::string_view text;
  std::int64_t line = 0;  // where it begins, from 1
  bool too_long = false;  // then there is no text
};

// A text file of any size whose records are found once and read some hundreds
// at a time. Blank lines are no records.
class RecordFile {
 public:
  // Reads the file through. Throws lens::InputError.
  RecordFile(std::filesystem::path path, Quoting quoting);

  int groups() const { return static_cast<int>(groups_.size()); }
  std::int64_t records(int group) const;
  const std::filesystem::path& path() const { return path_; }

  // The text of a group, which its records point into. Throws DamagedRowGroup
  // where the file has become shorter, lens::InputError where the disk fails.
  std::string read(int group) const;
  std::vector<Record> cut(int group, std::string_view text) const;

 private:
  struct Group {
    std::int64_t offset = 0;
    std::int64_t bytes = 0;
    std::int64_t records = 0;
    std::int64_t line = 1;  // of its first byte
    bool too_long = false;  // one record that is not read
  };

  void add(const Group& record);

  // constant after construction
  std::filesystem::path path_;
  Quoting quoting_;
  std::vector<Group> groups_;
};

}  // namespace lens::data
