#include "cli/diff_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "cli/version.h"
#include "tests/analysis/planted/planted_results.h"
#include "tests/storage/fixtures.h"

namespace lens::cli {

// Of the library of all commands, which this test does without.
std::string version_line() { return "lens 1.2.3 (commit abc)"; }

namespace {

namespace fixtures = storage::fixtures;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class DiffCommandTest : public ::testing::Test {
 protected:
  DiffCommandTest() {
    analysis::planted::Plan plan;
    plan.datasets = {{.name = "mtvqa", .samples = 30, .onset = 5}};
    plan.layers = 9;
    plan.vocabulary = 400;
    options_.a = folder_.path() / "a";
    options_.b = folder_.path() / "b";
    analysis::planted::write_run(options_.a, plan);
    plan.seed = 2;
    analysis::planted::write_run(options_.b, plan);
    options_.study = {.resamples = 100, .permutations = 99};
    options_.command_line = "lens diff a b";
  }

  std::string run() {
    std::ostringstream out;
    EXPECT_EQ(diff_command(options_, out), 0);
    return out.str();
  }

  const fixtures::TemporaryFolder folder_;
  DiffOptions options_;
};

TEST_F(DiffCommandTest, PrintsATableAndTheChangedAnswers) {
  EXPECT_THAT(run(), AllOf(HasSubstr("onset A, B"), HasSubstr("JA of mtvqa"),
                           HasSubstr("answers changed"), HasSubstr("A wrote"),
                           Not(HasSubstr("\x1b"))));
}

TEST_F(DiffCommandTest, WritesAPageThatNeedsNoOtherFile) {
  options_.output = folder_.path() / "diff.html";
  EXPECT_THAT(run(), HasSubstr("diff.html: "));
  const std::string page = fixtures::read_bytes(options_.output);
  EXPECT_THAT(page,
              AllOf(HasSubstr("default-src 'none'"),
                    HasSubstr("<code>lens diff a b</code>"),
                    HasSubstr("lens 1.2.3 (commit abc)"),
                    HasSubstr("id=\"figure-entropy-mtvqa\""),
                    Not(HasSubstr("<script")), Not(HasSubstr("@FIGURES@"))));
}

TEST_F(DiffCommandTest, JsonAloneOnStandardOutput) {
  options_.json = "-";
  EXPECT_EQ(nlohmann::json::parse(run())["format"], "lens-diff");
}

TEST_F(DiffCommandTest, OpensAsManyAnswersAsAskedFor) {
  options_.samples = 1;
  options_.json = (folder_.path() / "diff.json").string();
  run();
  int opened = 0;
  const auto json = nlohmann::json::parse(fixtures::read_bytes(options_.json));
  for (const auto& changed : json["changed"])
    opened += changed["opened"].is_null() ? 0 : 1;
  EXPECT_EQ(opened, 1);
}

TEST_F(DiffCommandTest, WritesEachFigureWithItsTable) {
  options_.figures = folder_.path() / "figures";
  EXPECT_THAT(run(), HasSubstr("figures with their CSV"));
  EXPECT_THAT(fixtures::read_bytes(options_.figures / "kl_final-mtvqa.csv"),
              HasSubstr("difference,"));
}

TEST_F(DiffCommandTest, NamesARunThatIsNotThere) {
  options_.b = folder_.path() / "nowhere";
  EXPECT_THROW(run(), InputError);
}

}  // namespace
}  // namespace lens::cli
