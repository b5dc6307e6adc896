#include "input/data/record_file.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "base/error.h"
#include "input/data/code_points.h"
#include "input/data/row_file.h"
#include "input/file/input_file.h"

namespace lens::data {
namespace {

namespace fs = std::filesystem;

// What one group may take: a file of any length is read in little memory.
constexpr std::int64_t kGroupRecords = 256;
constexpr std::int64_t kGroupBytes = 4 << 20;
// Pictures in base64 are of this kind of length; a record is text.
constexpr std::int64_t kMaxRecordBytes = 64 << 20;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string shown(const fs::path& path) { return one_line(path.string(), 500); }

bool is_blank(char byte) {
  return byte == '\n' || byte == '\r' || byte == ' ' || byte == '\t';
}

}  // namespace

bool RecordCutter::take(char byte) {
  if (quoting_ == Quoting::kNone) return byte == '\n';
  const auto plain = [this](char c) {
    at_ = c == ',' || c == '\n' ? At::kFieldStart : At::kPlain;
    return c == '\n';
  };
  switch (at_) {
    case At::kFieldStart:
      // A quote within a plain field is a quote and no more.
      if (byte == '"') {
        at_ = At::kQuoted;
        return false;
      }
      return plain(byte);
    case At::kPlain:
      return plain(byte);
    case At::kQuoted:
      if (byte == '"') at_ = At::kQuoteInQuoted;
      return false;
    case At::kQuoteInQuoted:
      if (byte == '"') {
        at_ = At::kQuoted;
        return false;
      }
      return plain(byte);
  }
  return false;
}

RecordFile::RecordFile(fs::path path, Quoting quoting)
    : path_(std::move(path)), quoting_(quoting) {
  if (!has_file(path_)) {
    throw InputError("cannot read " + shown(path_), "no such file");
  }
  std::ifstream stream(path_, std::ios::binary);
  if (!stream) {
    throw InputError("cannot read " + shown(path_), std::strerror(errno),
                     "check the file and its rights");
  }
  std::vector<char> buffer(1 << 20);
  RecordCutter cutter(quoting_);
  Group record;
  std::int64_t offset = 0;
  std::int64_t line = 1;
  const auto end = [&] {
    record.bytes = offset - record.offset;
    add(record);
    record = {.offset = offset, .bytes = 0, .records = 0, .line = line};
  };
  for (;;) {
    stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    std::string_view bytes(buffer.data(),
                           static_cast<std::size_t>(stream.gcount()));
    if (bytes.empty()) break;
    if (offset == 0 && bytes.starts_with(kByteOrderMark)) {
      offset = record.offset = kByteOrderMark.size();
      bytes.remove_prefix(kByteOrderMark.size());
    }
    for (const char byte : bytes) {
      ++offset;
      if (byte == '\n') ++line;
      if (!is_blank(byte)) record.records = 1;
      if (cutter.take(byte)) end();
    }
  }
  if (stream.bad()) {
    throw InputError("cannot read " + shown(path_), "input error",
                     "check the disk");
  }
  if (offset > record.offset) end();
}

// Joins a record, or a blank line, to the last group where it has room.
void RecordFile::add(const Group& record) {
  const bool too_long = record.bytes > kMaxRecordBytes;
  if (!groups_.empty()) {
    Group& last = groups_.back();
    if (!too_long && !last.too_long && last.records < kGroupRecords &&
        last.bytes + record.bytes <= kGroupBytes) {
      last.bytes += record.bytes;
      last.records += record.records;
      return;
    }
  }
  groups_.push_back(record);
  groups_.back().too_long = too_long && record.records > 0;
}

std::int64_t RecordFile::records(int group) const {
  return groups_.at(static_cast<std::size_t>(group)).records;
}

std::string RecordFile::read(int group) const {
  const Group& wanted = groups_.at(static_cast<std::size_t>(group));
  // Nothing but blanks may be of any length.
  if (wanted.too_long || wanted.records == 0) return "";
  std::string text(static_cast<std::size_t>(wanted.bytes), '\0');
  std::ifstream stream(path_, std::ios::binary);
  stream.seekg(wanted.offset);
  stream.read(text.data(), wanted.bytes);
  if (stream.bad()) {
    throw InputError("cannot read " + shown(path_), "input error",
                     "check the disk, then run the same command again");
  }
  if (stream.gcount() != wanted.bytes) {
    throw DamagedRowGroup("cannot read " + shown(path_.filename()),
                          "it became shorter", "restore the file");
  }
  return text;
}

std::vector<Record> RecordFile::cut(int group, std::string_view text) const {
  const Group& from = groups_.at(static_cast<std::size_t>(group));
  std::vector<Record> records;
  if (from.too_long) {
    records.push_back({.text = {}, .line = from.line, .too_long = true});
    return records;
  }
  RecordCutter cutter(quoting_);
  std::int64_t line = from.line;
  std::int64_t first_line = line;
  std::size_t begin = 0;
  bool blank = true;
  const auto end = [&](std::size_t at) {
    std::string_view record = text.substr(begin, at - begin);
    if (record.ends_with('\n')) record.remove_suffix(1);
    if (record.ends_with('\r')) record.remove_suffix(1);
    if (!blank) records.push_back({.text = record, .line = first_line});
    begin = at;
    blank = true;
    first_line = line;
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\n') ++line;
    blank = blank && is_blank(text[at]);
    if (cutter.take(text[at])) end(at + 1);
  }
  if (begin < text.size()) end(text.size());
  return records;
}

}  // namespace lens::data
