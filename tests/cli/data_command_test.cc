#include "cli/data_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "base/error.h"
#include "base/exit_code.h"
#include "tests/cli/run_inputs.h"
#include "tests/cli/scratch_folder.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class DataCommandTest : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  int look(const std::string& name, std::int64_t limit = 0,
           const data::Wishes& wishes = {}) {
    out_.str("");
    return data_command({.name = "own",
                         .path = folder_.path() / name,
                         .split = "test",
                         .limit = limit,
                         .wishes = wishes},
                        out_);
  }
  std::string said() const { return out_.str(); }

  ScratchFolder folder_;
  std::ostringstream out_;
};

TEST_F(DataCommandTest, SaysWhatItSeesAndWhatWouldFail) {
  write("a.png", small_png());
  write("cut.png", small_png().substr(0, 60));
  write(
      "rows.jsonl",
      R"({"image": "a.png", "question": "Who?", "answers": ["me", "I"], "id": "first"})"
      "\n"
      R"({"image": "cut.png", "question": "Who?", "answers": ["me"], "id": "second"})"
      "\n"
      R"({"image": "../a.png", "question": "Who?", "answers": ["me"], "id": "third"})"
      "\n");
  EXPECT_EQ(look("rows.jsonl"), kExitOk);
  EXPECT_THAT(
      said(),
      AllOf(HasSubstr("format     JSONL, 1 file"),
            HasSubstr("column     answers  array"),
            HasSubstr("reads      image=image question=question "
                      "answer=answers id=id, score contains"),
            HasSubstr("rows       3, 3 samples, 2 of them would fail"),
            HasSubstr("sample     first  "),
            HasSubstr("pixels, asked 'Who?', expects '[\"me\",\"I\"]'"),
            HasSubstr("fails      second: "),
            HasSubstr("fails      third: no image ('../a.png' is outside")));
  EXPECT_THAT(said(), Not(HasSubstr("and more")));
}

TEST_F(DataCommandTest, LooksAtTheFirstRowsWhereAsked) {
  write("a.png", small_png());
  write("b.png", "no picture");
  const data::Wishes asked{.columns = {}, .question = "What?", .score = {}};
  EXPECT_EQ(look(".", 1, asked), kExitOk);
  EXPECT_THAT(said(),
              HasSubstr("rows       2, of which the first 1 were looked "
                        "at, 1 samples, 0 of them would fail"));
}

TEST_F(DataCommandTest, NothingOfUseIsAnError) {
  write("rows.csv", "image,question\nnone.png,Who?\n");
  EXPECT_EQ(look("rows.csv"), kExitError);
  EXPECT_THAT(said(), HasSubstr("1 of them would fail"));
  EXPECT_THROW(look("none.jsonl"), InputError);
}

}  // namespace
}  // namespace lens::cli
