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

enum class SealState {
  kIntact,
  kDamaged,  // the bytes do not give the checksum
  kMissing   // no seal of the file's length: cut, or rewritten by a program
};

// What check_seal finds, for who goes on without. Throws StorageError where the
// file cannot be read.
SealState inspect_seal(const std::filesystem::path& file);

// Only reads what the seal says, without the checksum. Throws StorageError.
Seal peek_seal(const std::filesystem::path& file);

}  // namespace lens::storage
