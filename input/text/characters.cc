#include "input/text/characters.h"

#include <array>
#include <cstddef>
#include <iterator>
#include <map>
#include <vector>

namespace lens::text {
namespace {

struct Run {
  char32_t first;
  std::uint16_t value;
};

constexpr Run kRuns[] = {
#include "input/text/unicode_properties.inc"
};

constexpr char32_t kEnd = 0x110000;
constexpr std::size_t kBlock = 256;
constexpr std::size_t kBlocks = kEnd / kBlock;

// The runs spread out into blocks of 256 code points, equal blocks kept once:
// two loads for an answer, 100 KB instead of 2 MB.
class Table {
 public:
  Table() {
    std::map<Block, std::uint16_t> known;
    std::size_t run = 0;
    for (std::size_t index = 0; index < kBlocks; ++index) {
      Block block;
      for (std::size_t offset = 0; offset < kBlock; ++offset) {
        const char32_t code_point = index * kBlock + offset;
        // Code points and runs both ascend: one pass over the two.
        while (run + 1 < std::size(kRuns) &&
               kRuns[run + 1].first <= code_point) {
          ++run;
        }
        block[offset] = kRuns[run].value;
      }
      const auto [entry, is_new] = known.try_emplace(block, blocks_.size());
      if (is_new) blocks_.push_back(block);
      block_of_[index] = entry->second;
    }
  }

  std::uint16_t at(char32_t code_point) const {
    if (code_point >= kEnd) return 0;
    return blocks_[block_of_[code_point / kBlock]][code_point % kBlock];
  }

 private:
  using Block = std::array<std::uint16_t, kBlock>;
  std::array<std::uint16_t, kBlocks> block_of_;
  std::vector<Block> blocks_;
};

}  // namespace

Character::Character(char32_t code_point) {
  static const Table table;
  value_ = table.at(code_point);
}

}  // namespace lens::text
