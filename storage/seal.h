#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "storage/sha256.h"

namespace lens::storage {

// The last bytes of every HDF5 file of ours, behind the HDF5 data: length,
// counts and a checksum over all bytes before. docs/format.md, section 6; the
// form reaches disk and must not change.
struct Seal {
  std::int64_t bytes = 0;  // of the file before the seal
  std::int64_t samples = 0;
  std::int64_t tokens = 0;

  bool operator==(const Seal&) const = default;
};

inline constexpr std::size_t kSealBytes = 169;

// `hash` has taken exactly the `seal.bytes` bytes before the seal.
std::string seal_text(const Seal& seal, Sha256 hash);

// Checks the checksum over a whole file in memory. `name` is for the message.
// Throws StorageError: no seal, cut, or a byte changed.
Seal check_seal(std::span<const std::byte> file, const std::string& name);

// The same for a file too large for memory, read in blocks.
Seal check_seal(const std::filesystem::path& file);

// Only reads what the seal says, without the checksum. Throws StorageError.
Seal peek_seal(const std::filesystem::path& file);

// Whether the bytes give the checksum of the seal that the file has. Throws
// StorageError where there is no seal or the file cannot be read.
bool matches_seal(const std::filesystem::path& file);

// False where the file does not end in a seal of its length: it was cut, or
// another program rewrote it. Throws StorageError where it cannot be read.
bool has_seal(const std::filesystem::path& file);

}  // namespace lens::storage
