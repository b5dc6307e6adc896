#pragma once

#include <cstdint>
#include <vector>

namespace lens::engine {

struct Prompt {
  std::vector<std::int64_t> ids;
  int picture = -1;  // index into the pictures; -1: text alone
  // wanted[p] != 0: a row for the prompt token at position p, read from the
  // states at p-1. Empty, or as long as ids; position 0 has no row.
  std::vector<std::uint8_t> wanted;
};

}  // namespace lens::engine
