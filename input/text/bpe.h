#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace lens::text {

// A pair of tokens that may be joined, and the token they make.
struct Merge {
  std::int32_t left, right, joined;
};

// Byte-pair encoding of one piece of text: among the neighbours that may be
// joined the pair that comes first in the list of merges is joined first, the
// leftmost one of equals, until none is left. Immutable.
class Bpe {
 public:
  // The id of each byte's token, -1 for a byte that has none.
  using ByteIds = std::array<std::int32_t, 256>;

  // `merges` in order of rank; of a pair listed twice the later rank counts.
  Bpe(const ByteIds& byte_ids, const std::vector<Merge>& merges);

  // Appends the ids of `piece`. Bytes without a token are left out, as in the
  // reference. Takes O(n log n) steps for n bytes.
  void encode(std::string_view piece, std::vector<std::int32_t>& ids) const;

 private:
  struct Slot {
    std::uint64_t pair;
    std::uint32_t rank;
    std::int32_t joined;
  };

  // The merge of a pair, or null.
  const Slot* find(std::int32_t left, std::int32_t right) const;
  std::size_t slot_of(std::uint64_t pair) const;

  ByteIds byte_ids_;
  // Open addressing; a power of two in size and never more than half full.
  std::vector<Slot> slots_;
};

}  // namespace lens::text
