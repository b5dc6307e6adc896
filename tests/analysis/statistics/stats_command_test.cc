#include "cli/stats_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "tests/analysis/planted/planted_results.h"
#include "tests/storage/fixtures.h"

namespace lens::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class StatsCommandTest : public ::testing::Test {
 protected:
  StatsCommandTest() {
    file_ = analysis::planted::write_run(folder_.path(), {});
    options_ = {.path = folder_.path(),
                .study = {.resamples = 100, .permutations = 99}};
  }

  std::string run() {
    std::ostringstream out;
    EXPECT_EQ(stats_command(options_, out), 0);
    return out.str();
  }

  const storage::fixtures::TemporaryFolder folder_;
  std::filesystem::path file_;
  StatsOptions options_;
};

TEST_F(StatsCommandTest, AnswersInWordsAndNotesWhatIsMissing) {
  EXPECT_THAT(run(),
              AllOf(HasSubstr("Note: "), HasSubstr("samples failed"),
                    HasSubstr("At which layer"), HasSubstr("JA of mtvqa")));
}

TEST_F(StatsCommandTest, AFileDoesAsWellAsItsDirectory) {
  const std::string of_directory = run();
  options_.path = file_;
  EXPECT_EQ(run(), of_directory);
}

TEST_F(StatsCommandTest, JsonAloneOnStandardOutput) {
  options_.json = "-";
  const auto json = nlohmann::json::parse(run());
  EXPECT_EQ(json["options"]["bootstrap_resamples"], 100);
}

TEST_F(StatsCommandTest, JsonInAFileBesideTheText) {
  options_.json = (folder_.path() / "study.json").string();
  EXPECT_THAT(run(), HasSubstr("At which layer"));
  std::ifstream stream(options_.json);
  EXPECT_EQ(nlohmann::json::parse(stream)["format"], "lens-study");
}

TEST_F(StatsCommandTest, LanguageKeepsOnlyThese) {
  options_.language = {"RU", "JA"};
  EXPECT_THAT(run(), AllOf(HasSubstr("RU of mtvqa"), HasSubstr("latex_ocr"),
                           Not(HasSubstr("DE of mtvqa"))));
  options_.language = {"XX"};
  EXPECT_THROW(run(), InputError);
}

TEST_F(StatsCommandTest, RefusesWhatMakesNoSense) {
  options_.study.onset_fraction = 1.5;
  EXPECT_THROW(run(), InputError);
  options_.study.onset_fraction = 0.5;
  options_.study.permutations = 3;
  EXPECT_THROW(run(), InputError);
  options_.study.permutations = 99;
  options_.study.right_score = std::nan("");
  EXPECT_THROW(run(), InputError);
}

}  // namespace
}  // namespace lens::cli
