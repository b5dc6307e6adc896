#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace lens::storage {

// The first bytes of a file that may be HDF5; more than these are not looked
// at.
inline constexpr std::size_t kSuperblockBytes = 64;

// Where the HDF5 data end, as the superblock says that `begin` begins with; a
// program that closes a file after writing cuts it there. Nothing where `begin`
// is no superblock with addresses of 8 bytes.
std::optional<std::int64_t> hdf5_end(std::span<const std::byte> begin);

}  // namespace lens::storage
