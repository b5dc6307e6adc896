#include "cli/report_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "base/error.h"
#include "cli/version.h"
#include "storage/run_directory.h"
#include "tests/storage/fixtures.h"

namespace lens::cli {

// Of the library of all commands, which this test does without.
std::string version_line() { return "lens 1.2.3 (commit abc)"; }

namespace {

namespace fs = std::filesystem;
namespace fixtures = storage::fixtures;
using testing::AllOf;
using testing::HasSubstr;

class ReportCommandTest : public testing::Test {
 protected:
  ReportCommandTest() {
    const storage::RunDirectory run(folder_.path());
    const auto manifest =
        fixtures::make_manifest({.mtvqa_units = 1, .latex_units = 1});
    storage::MergeOptions options;
    options.output = run.results();
    storage::merge(run, manifest, fixtures::write_run(run, manifest), options);
    options_.path = folder_.path();
    options_.command_line = "lens report runs/one --samples 3";
  }

  fixtures::TemporaryFolder folder_;
  ReportOptions options_;
  std::ostringstream out_;
};

TEST_F(ReportCommandTest, WritesBesideTheResultsAndSaysWhere) {
  EXPECT_EQ(report_command(options_, out_), 0);
  const fs::path page = folder_.path() / "report.html";
  const std::string html = fixtures::read_bytes(page);
  EXPECT_THAT(html, HasSubstr("<code>lens report runs/one --samples 3</code>"));
  EXPECT_THAT(html, HasSubstr("lens 1.2.3 (commit abc)"));
  EXPECT_THAT(out_.str(), HasSubstr(page.string() + ": "));
  EXPECT_THAT(out_.str(), HasSubstr("of 8 samples token by token, 8 in the"));
  EXPECT_THAT(out_.str(), HasSubstr("2 of 8 samples failed"));
}

TEST_F(ReportCommandTest, ReplacesAnOlderReport) {
  options_.output = folder_.path() / "deep" / "er" / "page.html";
  options_.samples = 1;
  report_command(options_, out_);
  options_.samples = 3;
  report_command(options_, out_);
  EXPECT_THAT(fixtures::read_bytes(options_.output),
              HasSubstr("3 of them can be opened"));
}

TEST_F(ReportCommandTest, StatisticsFollowTheFlagsOfStats) {
  options_.figures = folder_.path() / "figures";
  options_.study = {.resamples = 150, .onset_fraction = 0.25};
  report_command(options_, out_);
  EXPECT_THAT(fixtures::read_bytes(options_.figures / "study.json"),
              AllOf(HasSubstr("\"bootstrap_resamples\": 150"),
                    HasSubstr("\"onset_fraction\": 0.25")));
  options_.study.onset_fraction = 2;
  EXPECT_THROW(report_command(options_, out_), InputError);
}

TEST_F(ReportCommandTest, WritesEachFigureWithItsTable) {
  options_.figures = folder_.path() / "figures";
  report_command(options_, out_);
  for (const char* name : {"onset", "entropy-mtvqa", "scripts"}) {
    EXPECT_THAT(
        fixtures::read_bytes(options_.figures / (std::string(name) + ".svg")),
        HasSubstr("<svg"));
    EXPECT_THAT(
        fixtures::read_bytes(options_.figures / (std::string(name) + ".csv")),
        HasSubstr(",layer,"));
  }
  EXPECT_THAT(fixtures::read_bytes(options_.figures / "study.json"),
              HasSubstr("{"));
}

TEST_F(ReportCommandTest, NamesAPathWithoutResults) {
  options_.path = folder_.path() / "nowhere";
  EXPECT_THROW(report_command(options_, out_), InputError);
}

TEST_F(ReportCommandTest, RefusesAPlaceThatCannotBeWritten) {
  options_.output = folder_.path() / "results.h5" / "page.html";
  EXPECT_THROW(report_command(options_, out_), StorageError);
}

}  // namespace
}  // namespace lens::cli
