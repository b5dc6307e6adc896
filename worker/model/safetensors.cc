#include "worker/model/safetensors.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "worker/error.h"

namespace lens::model {

// A read-only file mapping.
struct SafetensorsFile::Mapping {
  const std::byte* data = nullptr;
  std::size_t size = 0;

  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  explicit Mapping(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
      throw InputError("cannot open " + file.string(), std::strerror(errno),
                       "check the checkpoint folder");
    }
    struct stat info {};
    const bool known = ::fstat(descriptor, &info) == 0;
    size = known ? static_cast<std::size_t>(info.st_size) : 0;
    void* address =
        size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
                 : MAP_FAILED;
    ::close(descriptor);
    if (address == MAP_FAILED) {
      throw InputError("cannot read " + file.string(),
                       size == 0 ? "the file is empty" : std::strerror(errno),
                       "download it again");
    }
    data = static_cast<const std::byte*>(address);
  }

  ~Mapping() { ::munmap(const_cast<std::byte*>(data), size); }
};

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

std::optional<at::ScalarType> scalar_type(const std::string& dtype) {
  if (dtype == "F32") return at::kFloat;
  if (dtype == "BF16") return at::kBFloat16;
  if (dtype == "F16") return at::kHalf;
  if (dtype == "F64") return at::kDouble;
  if (dtype == "I64") return at::kLong;
  if (dtype == "I32") return at::kInt;
  if (dtype == "U8") return at::kByte;
  return std::nullopt;
}

// Parses the header; a key that stands twice in one object is refused, since
// readers would differ in which one they take.
json parse_header(const char* begin, const char* end, bool* duplicate) {
  std::vector<std::set<std::string>> open_objects;
  const auto watch = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) open_objects.emplace_back();
    if (event == json::parse_event_t::object_end) open_objects.pop_back();
    if (event == json::parse_event_t::key &&
        !open_objects.back().insert(parsed.get<std::string>()).second) {
      *duplicate = true;
    }
    return true;
  };
  return json::parse(begin, end, watch, /*allow_exceptions=*/false);
}

class HeaderReader {
 public:
  HeaderReader(std::filesystem::path file, std::size_t data_bytes)
      : file_(std::move(file)), data_bytes_(data_bytes) {}

  std::map<std::string, SafetensorsFile::Entry> read(const json& header) const {
    std::map<std::string, SafetensorsFile::Entry> entries;
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
  SafetensorsFile::Entry entry(const std::string& name,
                               const json& value) const {
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
    SafetensorsFile::Entry entry;
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
  void check_cover(
      const std::map<std::string, SafetensorsFile::Entry>& entries) const {
    std::vector<std::pair<std::size_t, std::size_t>> ranges;
    ranges.reserve(entries.size());
    for (const auto& [name, entry] : entries) {
      ranges.emplace_back(entry.begin, entry.end);
    }
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

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& file)
    : file_(file), mapping_(std::make_shared<const Mapping>(file)) {
  const HeaderReader early(file, 0);
  std::uint64_t header_bytes = 0;
  if (mapping_->size < sizeof(header_bytes) + 2) early.refuse("too short");
  std::memcpy(&header_bytes, mapping_->data, sizeof(header_bytes));
  if (header_bytes < 2 || header_bytes > kMaxHeaderBytes ||
      header_bytes > mapping_->size - sizeof(header_bytes)) {
    early.refuse("its header is longer than the file, or truncated");
  }
  const char* begin =
      reinterpret_cast<const char*>(mapping_->data) + sizeof(header_bytes);
  if (*begin != '{') early.refuse("its header is not JSON");
  bool duplicate = false;
  const json header = parse_header(begin, begin + header_bytes, &duplicate);
  if (!header.is_object()) early.refuse("its header is not JSON");
  if (duplicate) early.refuse("its header names a key twice");
  data_offset_ = sizeof(header_bytes) + header_bytes;
  entries_ = HeaderReader(file, mapping_->size - data_offset_).read(header);
}

at::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    throw InputError("tensor " + name + " is missing in " + file_.string(), "",
                     "download the checkpoint again");
  }
  const Entry& entry = found->second;
  const auto type = scalar_type(entry.dtype);
  if (!type) {
    throw InputError("cannot use tensor " + name + " of " + file_.string(),
                     "dtype " + entry.dtype + " is not supported",
                     "convert it to BF16, F16 or F32");
  }
  const std::byte* data = mapping_->data + data_offset_ + entry.begin;
  auto* address = const_cast<std::byte*>(data);
  at::Tensor mapped;
  const bool aligned =
      reinterpret_cast<std::uintptr_t>(data) % c10::elementSize(*type) == 0;
  if (aligned) {
    mapped = at::from_blob(
        address, entry.shape, [keep = mapping_](void*) {},
        at::TensorOptions().dtype(*type));
    return mapped;
  }
  // A header of odd length leaves the data unaligned: copy.
  mapped = at::empty(entry.shape, at::TensorOptions().dtype(*type));
  std::memcpy(mapped.mutable_data_ptr(), data, entry.end - entry.begin);
  return mapped;
}

}  // namespace lens::model
