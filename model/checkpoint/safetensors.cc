#include "model/checkpoint/safetensors.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "base/error.h"

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
    // The mapping outlives its descriptor.
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

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& file)
    : file_(file),
      header_(SafetensorsHeader::read(file)),
      mapping_(std::make_shared<const Mapping>(file)) {
  if (mapping_->size != header_.file_bytes) {
    throw InputError("refused " + file.string(), "it changes while it is read",
                     "leave it alone during a run");
  }
}

at::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const auto found = entries().find(name);
  if (found == entries().end()) {
    throw InputError("tensor " + name + " is missing in " + file_.string(), "",
                     "download the checkpoint again");
  }
  const TensorEntry& entry = found->second;
  const auto type = scalar_type(entry.dtype);
  if (!type) {
    throw InputError("cannot use tensor " + name + " of " + file_.string(),
                     "dtype " + entry.dtype + " is not supported",
                     "convert it to BF16, F16 or F32");
  }
  const std::byte* data = mapping_->data + header_.data_offset + entry.begin;
  // from_blob() asks for it; the pages are read-only, and nothing writes to
  // weights.
  auto* address = const_cast<std::byte*>(data);
  at::Tensor mapped;
  const bool aligned =
      reinterpret_cast<std::uintptr_t>(data) % c10::elementSize(*type) == 0;
  if (aligned) {
    mapped = at::from_blob(
        // The tensor keeps the mapping alive.
        address, entry.shape, [keep = mapping_](void*) {},
        at::TensorOptions().dtype(*type));
    return mapped;
  }
  // A header of odd length leaves the data unaligned: copy.
  mapped = at::empty(entry.shape, at::TensorOptions().dtype(*type));
  std::memcpy(mapped.mutable_data_ptr(), data, entry.end - entry.begin);
  return mapped;
}

void SafetensorsFile::forget(const std::string& name) const {
  const TensorEntry& entry = entries().at(name);
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t first = header_.data_offset + entry.begin;
  const std::size_t begin = first / page * page;
  // A page that a neighbour shares is read again, no more. Where advice is not
  // taken nothing is lost but memory.
  ::madvise(const_cast<std::byte*>(mapping_->data) + begin,
            header_.data_offset + entry.end - begin, MADV_DONTNEED);
}

}  // namespace lens::model
