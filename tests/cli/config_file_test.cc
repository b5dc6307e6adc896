#include "cli/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cli/usage_error.h"
#include "tests/cli/scratch_folder.h"

namespace lens::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

const std::set<std::string> kKnown = {
    "limit", "top-k", "dataset", "language", "generation-config", "config"};

class ConfigFile : public testing::Test {
 protected:
  std::vector<std::string> arguments(const std::string& text,
                                     const std::set<std::string>& given = {}) {
    std::ofstream(file()) << text;
    return config_arguments(file(), kKnown, given);
  }
  std::string refusal(const std::string& text) {
    try {
      arguments(text);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  }
  std::filesystem::path file() const { return folder_ / "run.toml"; }

  ScratchFolder folder_;
};

TEST_F(ConfigFile, KeysAreFlagsWithDashesOrUnderscores) {
  EXPECT_THAT(arguments("limit = 10\ntop_k = 3\n"),
              UnorderedElementsAre("--limit=10", "--top-k=3"));
  EXPECT_THAT(arguments("top-k = 3\ngeneration_config = true\n"),
              UnorderedElementsAre("--top-k=3", "--generation-config=true"));
}

TEST_F(ConfigFile, ListsAndTablesGiveOneArgumentEach) {
  EXPECT_THAT(arguments("language = ['RU', 'KR']"),
              ElementsAre("--language=RU", "--language=KR"));
  EXPECT_THAT(
      arguments("[dataset]\nmtvqa = 'a b'\nlatex_ocr = 'c'\n"),
      UnorderedElementsAre("--dataset=mtvqa=a b", "--dataset=latex_ocr=c"));
}

TEST_F(ConfigFile, CommandLineWins) {
  EXPECT_THAT(arguments("limit = 10\ntop_k = 3\n", {"limit"}),
              ElementsAre("--top-k=3"));
}

TEST_F(ConfigFile, RefusalsAreOneLineAndSayWhere) {
  EXPECT_THAT(refusal("limitt = 10"), HasSubstr("unknown key limitt"));
  EXPECT_THAT(refusal("a = 1\nlimit = = 3"), HasSubstr("line 2"));
  EXPECT_THAT(refusal("limit = 1979-05-27"), HasSubstr("limit"));
  EXPECT_THAT(refusal("config = 'other.toml'"), HasSubstr("unknown key"));
  EXPECT_EQ(refusal("limit = = 3").find('\n'), std::string::npos);
  EXPECT_THROW(config_arguments(folder_ / "none.toml", kKnown, {}), UsageError);
}

}  // namespace
}  // namespace lens::cli
