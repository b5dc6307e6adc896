#include "analysis/figures/svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lens::analysis::figures {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Svg, NumbersAreShort) {
  EXPECT_EQ(number(0), "0");
  EXPECT_EQ(number(-0.01), "0");
  EXPECT_EQ(number(0.5), ".5");
  EXPECT_EQ(number(-0.54), "-.5");
  EXPECT_EQ(number(120), "120");
  EXPECT_EQ(number(12.34), "12.3");
  EXPECT_EQ(number(-12.96), "-13");
}

TEST(Svg, PathsDoNotDrift) {
  PathData data;
  data.move(0, 0);
  for (int i = 1; i <= 1000; ++i) data.line(i * 0.33, 0);
  data.line(0, 0);
  // The way back is the sum of all rounded steps.
  EXPECT_THAT(data.text(), testing::EndsWith("-330 0"));
}

TEST(Svg, TitleAndDescriptionAreEscaped) {
  const std::string text =
      Svg("test", "a <b> & \"c\"\x02", "d\ne").finish(100, 50);
  EXPECT_THAT(text, HasSubstr("<title>a &lt;b&gt; &amp; &quot;c&quot;\\x02"
                              "</title>"));
  EXPECT_THAT(text, HasSubstr("<desc>d↵e</desc>"));
  EXPECT_THAT(text, HasSubstr("role=\"img\""));
  EXPECT_THAT(text, HasSubstr("class=\"lens-figure lens-test\""));
}

TEST(Svg, ColoursStandWithoutCss) {
  const std::string text = Svg("test", "t", "d").finish(100, 50);
  EXPECT_THAT(text, HasSubstr("<rect class=\"lens-paper\" width=\"100\" "
                              "height=\"50\" fill=\"#fff\"/>"));
  EXPECT_THAT(text, HasSubstr("fill:var(--lens-paper,#fff)"));
}

std::string drawn(const Label& label) {
  Svg svg("test", "t", "d");
  svg.label(label);
  const std::string text = svg.finish(1, 1);
  return text.substr(text.find("<text"));
}

TEST(Svg, RightToLeftTextKeepsTheSideItStandsOn) {
  EXPECT_THAT(drawn({.text = "مرحبا"}), HasSubstr("text-anchor=\"end\""));
  EXPECT_THAT(drawn({.text = "مرحبا"}), HasSubstr("direction=\"rtl\""));
  EXPECT_THAT(drawn({.text = "مرحبا", .anchor = Anchor::kRight}),
              Not(HasSubstr("text-anchor")));
  EXPECT_THAT(drawn({.text = "abc", .anchor = Anchor::kRight}),
              HasSubstr("text-anchor=\"end\""));
  EXPECT_THAT(drawn({.text = "abc"}), Not(HasSubstr("direction")));
}

TEST(Svg, ShortenedLabelsTellTheWholeUnderThePointer) {
  const std::string label = drawn({.text = "abcdefghijklmn", .width = 40});
  EXPECT_THAT(label, HasSubstr("<title>abcdefghijklmn</title>"));
  EXPECT_THAT(label, HasSubstr("…</text>"));
  EXPECT_THAT(drawn({.text = "ab", .width = 40}), Not(HasSubstr("<title>")));
}

}  // namespace
}  // namespace lens::analysis::figures
