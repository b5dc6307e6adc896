#include "storage/hdf5/superblock.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace lens::storage {
namespace {

constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";

// Places of the version and of the size of addresses, then of the address of
// the end, by version (HDF5 File Format Specification, II.A).
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kEndAt[] = {40, 44, 28, 28};
constexpr std::size_t kSizeAt[] = {13, 13, 9, 9};
constexpr unsigned kAddressBytes = 8;
constexpr std::size_t kFlagsAt = 11;  // from version 2 on
constexpr std::size_t kFirstWithFlags = 2;

bool is_superblock(std::span<const std::byte> begin) {
  return begin.size() >= kSuperblockBytes &&
         std::memcmp(begin.data(), kSignature.data(), kSignature.size()) == 0;
}

}  // namespace

std::vector<std::byte> read_superblock(const InputDescriptor& file) {
  std::vector<std::byte> begin(static_cast<std::size_t>(
      std::min<std::int64_t>(file.bytes(), kSuperblockBytes)));
  for (std::size_t at = 0; at < begin.size();) {
    at +=
        file.read(static_cast<std::int64_t>(at), std::span(begin).subspan(at));
  }
  return begin;
}

std::optional<std::int64_t> hdf5_end(std::span<const std::byte> begin) {
  if (!is_superblock(begin)) return std::nullopt;
  const auto version = std::to_integer<std::size_t>(begin[kVersionAt]);
  if (version >= std::size(kEndAt) ||
      std::to_integer<unsigned>(begin[kSizeAt[version]]) != kAddressBytes) {
    return std::nullopt;
  }
  std::uint64_t end = 0;
  // Little-endian, whatever this machine is.
  for (std::size_t i = kAddressBytes; i-- > 0;) {
    end = end << 8 | std::to_integer<std::uint64_t>(begin[kEndAt[version] + i]);
  }
  if (end > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  return static_cast<std::int64_t>(end);
}

bool marked_as_written(std::span<const std::byte> begin) {
  return is_superblock(begin) &&
         std::to_integer<std::size_t>(begin[kVersionAt]) >= kFirstWithFlags &&
         begin[kFlagsAt] != std::byte{0};
}

}  // namespace lens::storage
