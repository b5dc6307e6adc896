#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "storage/unit_result.h"

namespace lens::storage {

// Says of a part whose it is. Stored as root attributes.
struct PartHeader {
  std::string run_id;
  std::string dataset;
  std::int32_t unit = 0;
  std::uint64_t epoch = 0;   // lease token
  std::uint64_t number = 0;  // lease token
  std::string device_name;

  bool operator==(const PartHeader&) const = default;
};

// What the worker tells the coordinator of a part that is on disk.
struct PartReceipt {
  std::string file_name;  // relative to the run directory
  std::int64_t bytes = 0;
  // SHA-256 over the values of all columns, hex. The lease token and the device
  // do not enter: a unit done twice gives the same checksum.
  std::string content_sha256;

  bool operator==(const PartReceipt&) const = default;
};

// Checks the lengths and offsets of `result`, writes file.tmp, fsyncs, renames
// to `file`, fsyncs the folder. The part is visible whole or not at all.
// Throws StorageError (disk full, no rights, inconsistent result).
PartReceipt write_part(const std::filesystem::path& run_root,
                       const std::filesystem::path& file,
                       const PartHeader& header, const UnitResult& result);

struct Part {
  PartHeader header;
  UnitResult result;
  std::string content_sha256;  // as stored, and checked against the values
};

// Reads and checks everything: layout, lengths, offsets, checksum. Throws
// StorageError that names the file and what is wrong.
Part read_part(const std::filesystem::path& file);

// The same over bare values: used by write_part, read_part and verify.
std::string content_sha256(const UnitResult& result);

}  // namespace lens::storage
