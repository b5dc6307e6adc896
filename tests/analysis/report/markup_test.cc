#include "analysis/report/markup.h"

#include <gtest/gtest.h>

#include <cmath>

#include "analysis/report/page.h"

namespace lens::analysis::report {
namespace {

TEST(HtmlText, LeavesNothingThatCouldBeATagOrEndAnAttribute) {
  EXPECT_EQ(html_text("<b a=\"1\" b='2'>&amp;"),
            "&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;amp;");
}

TEST(JsonForScript, CannotEndItsElement) {
  EXPECT_EQ(json_for_script(R"({"a":"</script><!--"})"),
            R"({"a":"\u003c/script>\u003c!--"})");
}

TEST(ShortNumber, RoundsForPeople) {
  EXPECT_EQ(short_number(3.14159265), "3.142");
  EXPECT_EQ(short_number(21), "21");
  EXPECT_EQ(short_number(0.00001234567), "1.235e-05");
  EXPECT_EQ(short_number(std::nan("")), "–");
}

TEST(FillTemplate, DoesNotLookIntoWhatItPutIn) {
  EXPECT_EQ(fill_template("<@A@|@B@>", {{"A", "@B@"}, {"B", "b@A@"}}),
            "<@B@|b@A@>");
}

TEST(FillTemplate, LeavesOtherSignsAlone) {
  EXPECT_EQ(fill_template("@media @A@ @x", {{"A", "1"}}), "@media 1 @x");
}

}  // namespace
}  // namespace lens::analysis::report
