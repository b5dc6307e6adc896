#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/durable.h"

namespace lens::storage {

// The first bytes of a file that may be HDF5; more than these are not looked
// at.
inline constexpr std::size_t kSuperblockBytes = 64;

// As many of them as there are.
std::vector<std::byte> read_superblock(const InputDescriptor& file);

// Where the HDF5 data end, as the superblock says that `begin` begins with; a
// program that closes a file after writing cuts it there. Nothing where `begin`
// is no superblock with addresses of 8 bytes.
std::optional<std::int64_t> hdf5_end(std::span<const std::byte> begin);

// Whether the file bears the mark of a program that has it open for writing, or
// that died while it had. Files of ours have no room for such a mark; those
// that another program wrote anew may.
bool marked_as_written(std::span<const std::byte> begin);

}  // namespace lens::storage
