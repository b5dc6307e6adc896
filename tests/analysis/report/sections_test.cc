#include "analysis/report/sections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lens::analysis::report {
namespace {

using testing::HasSubstr;
using testing::Not;

statistics::Test make_test() {
  statistics::Test test;
  test.kind = &statistics::test_kinds()[1];
  for (const char* language : {"AR", "RU"})
    test.populations.push_back(
        {.dataset = "<mtvqa>", .by = GroupBy::kLanguage, .value = language});
  test.group_pictures = {30, 40};
  test.group_means = {20.123, 21};
  test.statistic = 12.5;
  test.effect = 0.21;
  test.p = 0.0001;
  test.p_adjusted = 0.0004;
  test.significant = true;
  test.sentence = "The onset differs & is later for RU.";
  return test;
}

TEST(TestsHtml, TellsEachTestInNumbersAndWords) {
  statistics::Study study;
  study.tests = {make_test()};
  const std::string html = tests_html(study);
  EXPECT_THAT(html, HasSubstr("onset between languages of &lt;mtvqa&gt;"));
  EXPECT_THAT(html, HasSubstr("<bdi>AR</bdi> 20.1"));
  EXPECT_THAT(html, HasSubstr("(40 pictures)"));
  EXPECT_THAT(
      html,
      HasSubstr("<td>Welch&#39;s t = 12.5</td><td>Cohen&#39;s d = 0.21</td>"));
  EXPECT_THAT(html, HasSubstr("<td class=\"number\">0.0004</td>"));
  EXPECT_THAT(html, HasSubstr("differs &amp; is later"));
  EXPECT_THAT(html, HasSubstr("9999 permutations, seed 1"));
  EXPECT_THAT(html, HasSubstr("class=\"significant\""));
}

TEST(TestsHtml, SaysWhenNothingIsTested) {
  EXPECT_THAT(tests_html({}), HasSubstr("nothing is tested"));
}

TEST(AnswersHtml, KeepsTheOrderOfTheQuestions) {
  statistics::Study study;
  study.answers = {{"First?", "Yes <1>."}, {"Second?", "No."}};
  const std::string html = answers_html(study);
  EXPECT_LT(html.find("Yes &lt;1&gt;."), html.find("Second?"));
  EXPECT_THAT(answers_html({}), HasSubstr("nothing can be said"));
}

TEST(AnswersHtml, SetsOffSubjectsAndFoldsLongListsAway) {
  statistics::Study study;
  study.answers = {{"Where?", "all\na: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\ng: 7"}};
  const std::string html = answers_html(study);
  EXPECT_THAT(html, HasSubstr("<ul><li>all</li><li><b>a</b>: 1</li>"));
  EXPECT_THAT(html, HasSubstr("<summary>3 more</summary><ul><li><b>e</b>"));
  EXPECT_THAT(html, HasSubstr("</ul></details></dd>"));
}

TEST(NotesHtml, IsThereOnlyWhereSomethingIsMissing) {
  EXPECT_EQ(notes_html({}), "");
  EXPECT_THAT(notes_html({"a < b"}), HasSubstr("<li>a &lt; b</li>"));
}

TEST(FailuresHtml, NamesAFewOfManySamples) {
  ReportContent content;
  metrics::SampleTable table;
  table.population.dataset = "mtvqa";
  for (int i = 0; i < 100; ++i) {
    metrics::SampleRow row;
    row.sample_id = std::to_string(i) + ".0";
    row.failure = i == 7 ? "too <long>" : "cut short";
    table.rows.push_back(row);
  }
  content.tables = {table};
  const std::string html = failures_html(content);
  EXPECT_THAT(html, HasSubstr("too &lt;long&gt;</td><td class=\"number\">1"));
  EXPECT_THAT(html, HasSubstr("cut short</td><td class=\"number\">99"));
  EXPECT_THAT(html, HasSubstr("and 69 more"));
  EXPECT_THAT(html, Not(HasSubstr("mtvqa/99.0")));
}

}  // namespace
}  // namespace lens::analysis::report
