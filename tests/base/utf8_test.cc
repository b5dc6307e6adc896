#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace lens {
namespace {

const std::string kMark = "\xEF\xBF\xBD";

TEST(LossyUtf8, LeavesValidTextAlone) {
  for (const char* text : {"", "abc", "\u00e9", "\u0e01", "\U0001F600"}) {
    EXPECT_EQ(lossy_utf8(text), text);
  }
  EXPECT_EQ(lossy_utf8(std::string_view("a\0b", 3)), std::string("a\0b", 3));
}

TEST(LossyUtf8, ReplacesEachMaximalSubpartOnce) {
  EXPECT_EQ(lossy_utf8("\xE2\x82"), kMark);
  EXPECT_EQ(lossy_utf8("\xF0\x9F\x98"), kMark);
  EXPECT_EQ(lossy_utf8("\xF0\x9F\x98z"), kMark + "z");
  EXPECT_EQ(lossy_utf8("\xE2\x82\xE2\x82\xAC"), kMark + "\u20ac");
  EXPECT_EQ(lossy_utf8("\x80\x80"), kMark + kMark);
  EXPECT_EQ(lossy_utf8("\xC3("), kMark + "(");
}

TEST(LossyUtf8, TakesSurrogatesOverlongFormsAndHighValuesByteByByte) {
  EXPECT_EQ(lossy_utf8("\xED\xA0\x80"), kMark + kMark + kMark);
  EXPECT_EQ(lossy_utf8("\xC0\xAF"), kMark + kMark);
  EXPECT_EQ(lossy_utf8("\xE0\x80\x80"), kMark + kMark + kMark);
  EXPECT_EQ(lossy_utf8("\xF4\x90\x80\x80"), kMark + kMark + kMark + kMark);
  EXPECT_EQ(lossy_utf8("\xFF"), kMark);
}

TEST(Utf8, WritesWhatItReads) {
  for (char32_t code_point = 0; code_point < 0x110000; ++code_point) {
    if (code_point >= 0xD800 && code_point < 0xE000) continue;
    std::string bytes;
    append_utf8(code_point, bytes);
    const Utf8Step step = read_utf8(bytes, 0);
    ASSERT_TRUE(step.valid && step.code_point == code_point &&
                step.length == bytes.size())
        << static_cast<std::uint32_t>(code_point);
  }
}

}  // namespace
}  // namespace lens
