#include "input/text/bpe.h"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>
#include <string>
#include <vector>

namespace lens::text {
namespace {

using Ids = std::vector<std::int32_t>;

Bpe::ByteIds every_byte() {
  Bpe::ByteIds ids;
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

Ids encode(const Bpe& bpe, std::string_view piece) {
  Ids ids;
  bpe.encode(piece, ids);
  return ids;
}

TEST(Bpe, JoinsTheLowestRankFirst) {
  const Bpe bpe(every_byte(), {{'b', 'c', 256}, {'a', 'b', 257}});
  EXPECT_EQ(encode(bpe, "abc"), (Ids{'a', 256}));
  EXPECT_EQ(encode(bpe, "ab"), (Ids{257}));
}

TEST(Bpe, JoinsTheLeftmostOfEquals) {
  const Bpe bpe(every_byte(), {{'a', 'a', 256}});
  EXPECT_EQ(encode(bpe, "aaa"), (Ids{256, 'a'}));
  EXPECT_EQ(encode(bpe, "aaaaa"), (Ids{256, 256, 'a'}));
}

TEST(Bpe, JoinsWhatJoiningMade) {
  const Bpe bpe(every_byte(),
                {{'a', 'b', 256}, {256, 256, 257}, {257, 'c', 258}});
  EXPECT_EQ(encode(bpe, "ababc"), (Ids{258}));
  EXPECT_EQ(encode(bpe, "cabab"), (Ids{'c', 257}));
}

TEST(Bpe, TheLaterOfTwoEqualMergesCounts) {
  const Bpe bpe(every_byte(),
                {{'a', 'b', 256}, {'b', 'c', 257}, {'a', 'b', 256}});
  EXPECT_EQ(encode(bpe, "abc"), (Ids{'a', 257}));
}

TEST(Bpe, LeavesOutBytesWithoutToken) {
  Bpe::ByteIds ids = every_byte();
  ids['x'] = -1;
  const Bpe bpe(ids, {{'a', 'b', 256}});
  EXPECT_EQ(encode(bpe, "axb"), (Ids{256}));
  EXPECT_EQ(encode(bpe, "xx"), Ids{});
  EXPECT_EQ(encode(bpe, ""), Ids{});
}

// Scanning for the best pair after every join would take 10^10 steps here.
TEST(Bpe, LongPiecesTakeNoQuadraticTime) {
  const Bpe bpe(every_byte(), {{'a', 'a', 256}, {256, 256, 257}});
  const auto start = std::chrono::steady_clock::now();
  const Ids ids = encode(bpe, std::string(400000, 'a'));
  EXPECT_EQ(ids, Ids(100000, 257));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace lens::text
