#pragma once

#include <cstdint>
#include <string>

namespace lens::storage {

// What the worker tells the coordinator of a part that is on disk.
struct PartReceipt {
  std::string file_name;  // relative to the run directory
  std::int64_t bytes = 0;
  // SHA-256 over the values of all columns, hex. The lease token and the device
  // do not enter: a unit done twice gives the same checksum.
  std::string content_sha256;

  bool operator==(const PartReceipt&) const = default;
};

// One committed unit, as the ledger has it.
struct CommittedPart {
  std::int32_t unit = 0;
  PartReceipt receipt;
};

}  // namespace lens::storage
