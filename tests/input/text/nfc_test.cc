#include "input/text/nfc.h"

#include <gtest/gtest.h>

#include <string>

namespace lens::text {
namespace {

TEST(Nfc, LeavesComposedTextAlone) {
  for (const char* text :
       {"", "plain", "Vi\u1ec7t", "\uac00\uac01", "\u0e19\u0e49\u0e33"}) {
    EXPECT_EQ(to_nfc(text), text);
  }
}

TEST(Nfc, ComposesVietnameseInAnyOrderOfMarks) {
  EXPECT_EQ(to_nfc("Vie\u0302\u0323t"), "Vi\u1ec7t");
  EXPECT_EQ(to_nfc("Vie\u0323\u0302t"), "Vi\u1ec7t");
  EXPECT_EQ(to_nfc("\u00ea\u0323"), "\u1ec7");
}

TEST(Nfc, ComposesHangulByArithmetic) {
  EXPECT_EQ(to_nfc("\u1112\u1161\u11ab"), "\ud55c");
  EXPECT_EQ(to_nfc("\uac00\u11a8"), "\uac01");
  EXPECT_EQ(to_nfc("\uac01\u11a8"), "\uac01\u11a8") << "has its tail already";
  EXPECT_EQ(to_nfc("\uac00\u11a7"), "\uac00\u11a7") << "U+11A7 is no tail";
}

TEST(Nfc, DecomposesWhatIsExcludedFromComposition) {
  EXPECT_EQ(to_nfc("\u0958"), "\u0915\u093c");
  EXPECT_EQ(to_nfc("\u0344"), "\u0308\u0301");
  EXPECT_EQ(to_nfc("\u2126"), "\u03a9");
  EXPECT_EQ(to_nfc("\u212a"), "K");
}

TEST(Nfc, AMarkOfTheSameClassBlocksTheNext) {
  EXPECT_EQ(to_nfc("a\u0346\u0301"), "a\u0346\u0301");
  EXPECT_EQ(to_nfc("a\u0334\u0301"), "\u00e1\u0334");
  EXPECT_EQ(to_nfc("\u0301a"), "\u0301a");
}

// U+11935 U+11930 has composed to U+11938 since Unicode 13, and U+07FD has
// been a mark of class 220 since 11; the reference knows neither.
TEST(Nfc, KnowsNothingLaterThanUnicode9) {
  EXPECT_EQ(to_nfc("\U00011935\U00011930"), "\U00011935\U00011930");
  EXPECT_EQ(to_nfc("a\u0301\u07fd"), "\u00e1\u07fd");
  EXPECT_EQ(to_nfc("a\u07fd\u0301"), "a\u07fd\u0301");
}

TEST(Nfc, OrdersLongRunsOfMarks) {
  std::string marks, ordered = "a";
  for (int i = 0; i < 20000; ++i) marks += i % 2 == 0 ? "\u0346" : "\u0316";
  for (int i = 0; i < 20000; ++i) ordered += i < 10000 ? "\u0316" : "\u0346";
  EXPECT_EQ(to_nfc("a" + marks), ordered);
}

}  // namespace
}  // namespace lens::text
