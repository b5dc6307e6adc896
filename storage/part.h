#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/durable.h"
#include "storage/part_receipt.h"
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

// Checks the lengths and offsets of `result`, writes file.tmp, fsyncs, renames
// to `file`, fsyncs the folder. The part is visible whole or not at all.
// `after_step` is told of each step of docs/format.md, section 8. Throws
// StorageError (disk full, no rights, inconsistent result).
PartReceipt write_part(const std::filesystem::path& run_root,
                       const std::filesystem::path& file,
                       const PartHeader& header, const UnitResult& result,
                       const StepObserver& after_step = {});

struct Part {
  PartHeader header;
  UnitResult result;
  std::string content_sha256;  // as stored, and checked against the values
};

// Reads and checks everything: layout, lengths, offsets, checksum. Throws
// StorageError that names the file and what is wrong.
Part read_part(const std::filesystem::path& file);

// What a part says of itself, without its values. The bytes have been checked
// against the seal.
struct PartSummary {
  PartHeader header;
  std::string content_sha256;
  std::int64_t bytes = 0;
  std::int64_t samples = 0;
  std::int64_t tokens = 0;
};

// read_part() that believes content_sha256 once the seal has been found to
// hold: for who compares that checksum with the ledger's.
Part read_sealed_part(const std::filesystem::path& file);

// Throws StorageError.
PartSummary read_part_summary(const std::filesystem::path& file);

}  // namespace lens::storage
