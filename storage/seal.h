#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/sha256.h"

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
  kDamaged,  // cut, or the bytes do not give the checksum
  kMissing   // the file ends where its HDF5 data end, or is not HDF5
};

struct SealFinding {
  SealState state = SealState::kMissing;
  Seal seal = {};   // where intact
  std::string why;  // else what is wrong, as in "it is cut short"
};

// What check_seal finds, for who goes on without. A program that opens a file
// of ours for writing and closes it cuts the seal off and leaves the rest
// whole: then it is missing. Throws StorageError where the file cannot be read.
SealFinding inspect_seal(const std::filesystem::path& file);

// Only reads what the seal says, without the checksum. Throws StorageError.
Seal peek_seal(const std::filesystem::path& file);

}  // namespace lens::storage
