#include "base/storable_text.h"

#include <gtest/gtest.h>

namespace lens::storage {
namespace {

using namespace std::string_literals;

TEST(Text, ValidUtf8StaysAsItIs) {
  for (const char* text :
       {"", "abc", "naïve", "日本語", "🙂", "a\\x00b", "\x7f"}) {
    EXPECT_EQ(storable_text(text), text);
  }
}

TEST(Text, NulIsShownAsEscape) {
  EXPECT_EQ(storable_text("a\0b\0"s), "a\\x00b\\x00");
}

TEST(Text, BytesThatAreNotUtf8AreShownAsEscapes) {
  EXPECT_EQ(storable_text("\xff"), "\\xff");
  EXPECT_EQ(storable_text("\xe4\xb8"), "\\xe4\\xb8");           // cut short
  EXPECT_EQ(storable_text("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(storable_text("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(storable_text("\xf4\x90\x80\x80"),
            "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
  EXPECT_EQ(storable_text("\xe4\xb8\xadx\x80"), "中x\\x80");
}

TEST(Text, TwiceChangesNothingMore) {
  const std::string once = storable_text("a\0\xff\\x"s);
  EXPECT_EQ(storable_text(once), once);
}

}  // namespace
}  // namespace lens::storage
