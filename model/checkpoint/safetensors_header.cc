#include "model/checkpoint/safetensors_header.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "input/file/json_object.h"

namespace lens::model {
namespace {

using nlohmann::json;

// Bounds that a real checkpoint stays far below (the reference
// implementation's for the header).
constexpr std::size_t kMaxHeaderBytes = 100'000'000;
constexpr std::size_t kMaxTensors = 1'000'000;
constexpr std::size_t kMaxDimensions = 16;

std::optional<std::size_t> element_bytes(const std::string& dtype) {
  static const std::map<std::string, std::size_t> kBytes = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1},
      {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},
      {"U32", 4},  {"F32", 4}, {"I64", 8}, {"U64", 8},     {"F64", 8}};
  const auto found = kBytes.find(dtype);
  if (found == kBytes.end()) return std::nullopt;
  return found->second;
}

class HeaderReader {
 public:
  HeaderReader(std::filesystem::path file, std::size_t data_bytes)
      : file_(std::move(file)), data_bytes_(data_bytes) {}

  std::map<std::string, TensorEntry> read(const json& header) const {
    std::map<std::string, TensorEntry> entries;
    if (header.size() > kMaxTensors) refuse("it lists too many tensors");
    for (const auto& [name, value] : header.items()) {
      if (name == "__metadata__") continue;
      entries.emplace(name, entry(name, value));
    }
    check_cover(entries);
    return entries;
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw InputError("refused " + file_.string(), why, "download it again");
  }

 private:
  TensorEntry entry(const std::string& name, const json& value) const {
    const auto wrong = [&](const char* what) {
      refuse("tensor " + name.substr(0, 200) + ": " + what);
    };
    if (!value.is_object()) wrong("not an object");
    const auto dtype = value.find("dtype");
    const auto shape = value.find("shape");
    const auto range = value.find("data_offsets");
    if (dtype == value.end() || !dtype->is_string()) wrong("no dtype");
    if (shape == value.end() || !shape->is_array() ||
        shape->size() > kMaxDimensions) {
      wrong("no shape");
    }
    if (range == value.end() || !range->is_array() || range->size() != 2 ||
        !(*range)[0].is_number_unsigned() ||
        !(*range)[1].is_number_unsigned()) {
      wrong("no data_offsets");
    }
    TensorEntry entry;
    entry.dtype = dtype->get<std::string>();
    entry.begin = (*range)[0].get<std::uint64_t>();
    entry.end = (*range)[1].get<std::uint64_t>();
    const auto bytes = element_bytes(entry.dtype);
    if (!bytes) wrong("unknown dtype");
    std::size_t length = *bytes;
    for (const json& dimension : *shape) {
      if (!dimension.is_number_unsigned()) wrong("a dimension is no integer");
      const auto extent = dimension.get<std::uint64_t>();
      if (extent > (std::uint64_t{1} << 48) ||
          __builtin_mul_overflow(length, extent, &length)) {
        wrong("its shape overflows");
      }
      entry.shape.push_back(static_cast<std::int64_t>(extent));
    }
    if (entry.begin > entry.end || entry.end > data_bytes_) {
      wrong("its data lies outside of the file (truncated?)");
    }
    if (entry.end - entry.begin != length) {
      wrong("its data length does not fit shape and dtype");
    }
    return entry;
  }

  // Invariant: the tensors cover the data section without overlap or hole.
  void check_cover(const std::map<std::string, TensorEntry>& entries) const {
    std::vector<std::pair<std::size_t, std::size_t>> ranges;
    ranges.reserve(entries.size());
    for (const auto& [name, entry] : entries) {
      ranges.emplace_back(entry.begin, entry.end);
    }
    // The reference implementation refuses both: bytes that two tensors share,
    // and bytes that no tensor names.
    std::sort(ranges.begin(), ranges.end());
    std::size_t position = 0;
    for (const auto& [begin, end] : ranges) {
      if (begin != position) refuse("tensors overlap or leave a hole");
      position = end;
    }
    if (position != data_bytes_) {
      refuse("its data section is longer than its tensors");
    }
  }

  std::filesystem::path file_;
  std::size_t data_bytes_;
};

// The text between the length and the data.
std::string header_text(const std::filesystem::path& file,
                        std::size_t file_bytes, const HeaderReader& reader) {
  std::ifstream stream(file, std::ios::binary);
  std::array<unsigned char, 8> prefix{};
  if (file_bytes < prefix.size() + 2) {
    reader.refuse(file_bytes == 0 ? "the file is empty" : "too short");
  }
  stream.read(reinterpret_cast<char*>(prefix.data()), prefix.size());
  std::uint64_t length = 0;  // little-endian
  for (std::size_t i = prefix.size(); i-- > 0;)
    length = length << 8 | prefix[i];
  if (stream && (length < 2 || length > kMaxHeaderBytes ||
                 length > file_bytes - prefix.size())) {
    reader.refuse("its header is longer than the file, or truncated");
  }
  std::string text(stream ? length : 0, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream) {
    throw InputError("cannot read " + file.string(), "its header is not there",
                     "check the file and its rights");
  }
  // The format asks for the brace; a JSON parser would skip blanks before it.
  if (text.front() != '{') reader.refuse("its header is not JSON");
  return text;
}

}  // namespace

SafetensorsHeader SafetensorsHeader::read(const std::filesystem::path& file) {
  SafetensorsHeader header;
  std::error_code error;
  header.file_bytes = std::filesystem::file_size(file, error);
  if (error) {
    throw InputError("cannot open " + file.string(), error.message(),
                     "check the checkpoint folder");
  }
  // A reader for its refusals alone: what data there is follows from the
  // header's length.
  const std::string text =
      header_text(file, header.file_bytes, HeaderReader(file, 0));
  header.data_offset = sizeof(std::uint64_t) + text.size();
  const HeaderReader reader(file, header.file_bytes - header.data_offset);
  WatchedJson parsed;
  try {
    parsed = parse_watched(text);
  } catch (const json::exception&) {
    reader.refuse("its header is not JSON");
  }
  if (!parsed.value.is_object()) reader.refuse("its header is not JSON");
  if (!parsed.doubled.empty()) reader.refuse("its header names a key twice");
  header.entries = reader.read(parsed.value);
  return header;
}

}  // namespace lens::model
