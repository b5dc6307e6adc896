#include "input/text/bpe.h"

#include <bit>
#include <functional>
#include <queue>
#include <tuple>

namespace lens::text {
namespace {

constexpr std::uint64_t kEmpty = ~std::uint64_t{0};
constexpr std::int32_t kNone = -1;

std::uint64_t pair_of(std::int32_t left, std::int32_t right) {
  return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 |
         static_cast<std::uint32_t>(right);
}

// A token of the piece, linked to its neighbours; kNone ends the list.
struct Symbol {
  std::int32_t id;  // kNone once it was joined to the one before it
  std::int32_t previous, next;
};

// A join that was possible when it was noted.
struct Candidate {
  std::uint32_t rank;
  std::int32_t position;  // of the left symbol
  std::int32_t joined;

  bool operator>(const Candidate& other) const {
    // The lowest rank first, and of one rank the leftmost pair.
    return std::tie(rank, position) > std::tie(other.rank, other.position);
  }
};

}  // namespace

Bpe::Bpe(const ByteIds& byte_ids, const std::vector<Merge>& merges)
    : byte_ids_(byte_ids),
      // A power of two at least twice as large as the list: a search is short,
      // and always ends.
      slots_(std::bit_ceil(2 * merges.size() + 2), Slot{kEmpty, 0, kNone}) {
  std::uint32_t rank = 0;
  for (const Merge& merge : merges) {
    const std::uint64_t pair = pair_of(merge.left, merge.right);
    // A pair that stands twice has the later rank, as in the reference.
    slots_[slot_of(pair)] = {pair, rank++, merge.joined};
  }
}

std::size_t Bpe::slot_of(std::uint64_t pair) const {
  const std::size_t mask = slots_.size() - 1;
  // 2^64 by the golden ratio spreads ids that lie close; its high bits are the
  // good ones.
  std::uint64_t hash = pair * 0x9E3779B97F4A7C15u;
  hash ^= hash >> 32;
  std::size_t slot = hash & mask;
  while (slots_[slot].pair != pair && slots_[slot].pair != kEmpty) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

const Bpe::Slot* Bpe::find(std::int32_t left, std::int32_t right) const {
  const Slot& slot = slots_[slot_of(pair_of(left, right))];
  return slot.pair == kEmpty ? nullptr : &slot;
}

void Bpe::encode(std::string_view piece, std::vector<std::int32_t>& ids) const {
  std::vector<Symbol> symbols;
  symbols.reserve(piece.size());
  for (const char byte : piece) {
    const std::int32_t id = byte_ids_[static_cast<std::uint8_t>(byte)];
    // A byte without a token is left out, as the reference does without an
    // unknown token.
    if (id == kNone) continue;
    const auto position = static_cast<std::int32_t>(symbols.size());
    symbols.push_back({id, position - 1, position + 1});
  }
  if (symbols.empty()) return;
  symbols.back().next = kNone;

  std::vector<Candidate> storage;
  storage.reserve(symbols.size());
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>>
      candidates(std::greater<>(), std::move(storage));
  const auto note = [&](std::int32_t position) {
    if (position == kNone || symbols[position].next == kNone) return;
    const Slot* merge =
        find(symbols[position].id, symbols[symbols[position].next].id);
    if (merge != nullptr)
      candidates.push({merge->rank, position, merge->joined});
  };
  for (std::size_t at = 0; at < symbols.size(); ++at) {
    note(static_cast<std::int32_t>(at));
  }

  while (!candidates.empty()) {
    const Candidate best = candidates.top();
    candidates.pop();
    Symbol& left = symbols[best.position];
    if (left.id == kNone || left.next == kNone) continue;
    Symbol& right = symbols[left.next];
    // A candidate is out of date once its symbols have changed. The reference
    // goes by the token they would make, not by the rank; so must this.
    const Slot* merge = find(left.id, right.id);
    if (merge == nullptr || merge->joined != best.joined) continue;
    // Joined into the left one: positions stay, and what lies between is
    // skipped by the links.
    left.id = best.joined;
    right.id = kNone;
    left.next = right.next;
    if (left.next != kNone) symbols[left.next].previous = best.position;
    // Only the two pairs that the new symbol is part of can be new.
    note(left.previous);
    note(best.position);
  }
  for (std::int32_t at = 0; at != kNone; at = symbols[at].next) {
    ids.push_back(symbols[at].id);
  }
}

}  // namespace lens::text
