#include "analysis/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "storage/run_directory.h"
#include "tests/storage/fixtures.h"

namespace lens::analysis::report {
namespace {

namespace fixtures = storage::fixtures;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

// A run of two data sets whose picture files do not exist.
class ReportTest : public testing::Test {
 protected:
  explicit ReportTest(bool partial = false) {
    const storage::RunDirectory run(folder_.path());
    const auto manifest =
        fixtures::make_manifest({.mtvqa_units = 5, .latex_units = 7});
    auto parts = fixtures::write_run(run, manifest);
    if (partial) parts.erase(parts.begin(), parts.begin() + 5);
    storage::MergeOptions options;
    options.output = run.results();
    options.partial = partial;
    options.software = {.version = "0.1.0", .git_commit = ""};
    storage::merge(run, manifest, parts, options);
  }

  Report report(std::size_t most_bytes = 5'000'000) const {
    ReportOptions options;
    options.most_bytes = most_bytes;
    options.study.bootstrap_resamples = 50;
    options.study.permutations = 99;
    options.command_line = "lens report <run> --samples 40";
    return make_report(open_source(folder_.path()), options);
  }

  fixtures::TemporaryFolder folder_;
};

class PartialReportTest : public ReportTest {
 protected:
  PartialReportTest() : ReportTest(true) {}
};

// The block of data of this id, parsed by nobody.
std::string block(const std::string& html, const std::string& id) {
  const std::string begin = "id=\"" + id + "\">";
  const std::size_t at = html.find(begin) + begin.size();
  return html.substr(at, html.find("</script>", at) - at);
}

TEST_F(ReportTest, SaysTheSameTwice) {
  EXPECT_EQ(report().html, report().html);
}

TEST_F(ReportTest, HoldsAllSamplesOfASmallRun) {
  const Report made = report();
  EXPECT_EQ(made.samples, 48u);
  EXPECT_EQ(made.samples_listed, 48u);
  EXPECT_GT(made.samples_shown, 10u);
  EXPECT_LT(made.html.size(), 5'000'000u);
}

TEST_F(ReportTest, NamesNothingOfAnotherPlace) {
  const std::string html = report().html;
  static const std::regex other(
      R"re((src|href)="(?!#|data:)|url\((?!#)|@import|https?://(?!www\.w3\.org/))re");
  std::smatch found;
  EXPECT_FALSE(std::regex_search(html, found, other)) << found.str();
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
  EXPECT_THAT(html, testing::ContainsRegex("script-src 'sha256-"));
}

TEST_F(ReportTest, KeepsDataInsideItsBlock) {
  const std::string html = report().html;
  for (const char* id : {"lens-data", "lens-study"}) {
    std::string data = block(html, id);
    if (data.ends_with('\n')) data.pop_back();
    EXPECT_TRUE(data.starts_with('{') && data.ends_with('}')) << id;
    EXPECT_THAT(data, Not(HasSubstr("<"))) << id;
  }
  EXPECT_THAT(html, HasSubstr("lens report &lt;run&gt; --samples 40"));
}

TEST_F(ReportTest, TellsWhyThereAreNoPictures) {
  const Report made = report();
  ASSERT_EQ(made.notes.size(), 2u);
  EXPECT_THAT(made.notes[0],
              HasSubstr("not shown: /data/latex_ocr/0.parquet is gone"));
  EXPECT_THAT(made.html, HasSubstr(made.notes[1]));
}

TEST_F(ReportTest, GroupsFailuresByReason) {
  EXPECT_THAT(report().html,
              HasSubstr("<td dir=\"auto\">the image is cut short</td>"
                        "<td class=\"number\">12</td>"));
}

TEST_F(ReportTest, ShowsFewerSamplesToStayBelowItsSize) {
  const Report whole = report();
  const Report smaller = report(whole.html.size() - 20'000);
  EXPECT_LE(smaller.html.size(), whole.html.size() - 20'000);
  EXPECT_LT(smaller.samples_shown, whole.samples_shown);
  EXPECT_THAT(smaller.html, HasSubstr("To stay below"));
  // What cannot be reached does not fail either.
  const Report least = report(1000);
  EXPECT_EQ(least.samples_shown, 0u);
  EXPECT_EQ(least.samples_listed, 0u);
  EXPECT_EQ(least.figures.size(), whole.figures.size());
}

TEST_F(ReportTest, GivesEachFigureItsNumbers) {
  const Report made = report();
  ASSERT_FALSE(made.figures.empty());
  for (const ReportFigure& figure : made.figures) {
    EXPECT_THAT(figure.csv, HasSubstr(",layer,")) << figure.id;
    EXPECT_GT(std::count(figure.csv.begin(), figure.csv.end(), '\n'), 5)
        << figure.id;
    EXPECT_THAT(figure.svg, HasSubstr("</svg>")) << figure.id;
    EXPECT_THAT(made.html, HasSubstr("data-csv=\"" + figure.id + "\""));
  }
}

TEST_F(PartialReportTest, SaysThatItIsPartial) {
  const Report made = report();
  EXPECT_THAT(made.html, HasSubstr("This is a partial snapshot: 28 of 48"));
  EXPECT_THAT(made.html, HasSubstr("mtvqa has no sample yet."));
}

}  // namespace
}  // namespace lens::analysis::report
