#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "worker/sample_source.h"

namespace lens::worker {

// What the ranks of a replica run together.
struct UnitMessage {
  PreparedUnit prepared;
  bool alone = false;
};

// CBOR of all that the model reads: prompts, pixels, and which samples have
// failed. What only the record of a sample says stays behind.
std::vector<std::uint8_t> encode(const UnitMessage& message);
UnitMessage decode(std::span<const std::uint8_t> bytes);

}  // namespace lens::worker
