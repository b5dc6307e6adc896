#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/durable.h"
#include "storage/part.h"

namespace lens::storage {

// write_part() that tells of each step of docs/format.md, section 8.
PartReceipt write_part(const std::filesystem::path& run_root,
                       const std::filesystem::path& file,
                       const PartHeader& header, const UnitResult& result,
                       const StepObserver& after_step);

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
