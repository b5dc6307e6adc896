#include "cli/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/error.h"
#include "cli/tokenize_command.h"
#include "cli/version.h"
#include "input/text/tokenizer.h"
#include "storage/manifest.h"
#include "storage/manifest_file.h"
#include "tests/cli/run_inputs.h"
#include "tests/cli/scratch_folder.h"

namespace lens::cli {
namespace {

using testing::HasSubstr;

struct Answer {
  int code = 0;
  std::string out;
  std::string error;
};

Answer lens(std::vector<std::string> words) {
  std::vector<const char*> arguments = {"lens"};
  for (const std::string& word : words) arguments.push_back(word.c_str());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Answer answer;
  answer.code = lens_main(static_cast<int>(arguments.size()), arguments.data());
  answer.out = testing::internal::GetCapturedStdout();
  answer.error = testing::internal::GetCapturedStderr();
  return answer;
}

TEST(Program, HelpOfEveryCommandHasAnExample) {
  EXPECT_EQ(lens({"--help"}).code, 0);
  for (const char* command :
       {"try", "data", "run", "plan", "status", "merge", "verify", "report",
        "stats", "diff", "export", "show", "query", "tokenize", "doctor"}) {
    const Answer answer = lens({command, "--help"});
    EXPECT_EQ(answer.code, 0);
    EXPECT_THAT(answer.out, HasSubstr("Example")) << command;
    EXPECT_THAT(answer.out, HasSubstr(std::string("lens ") + command));
  }
}

TEST(Program, VersionNamesTheCommit) {
  const Answer answer = lens({"--version"});
  EXPECT_EQ(answer.code, 0);
  EXPECT_THAT(answer.out, HasSubstr(software_info().version));
  EXPECT_THAT(answer.out, HasSubstr(software_info().git_commit));
}

TEST(Program, UsageErrorsAreOneLineAndExit2) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "a command is missing"},
      {{"import", "x"}, "unknown command import"},
      {{"show", "a"}, "SAMPLE is required"},
      {{"export", "a"}, "--csv"},
      {{"stats", "a", "--permutations", "1"}, "--permutations"},
      {{"--frob"}, "unknown flag --frob"},
      {{"run", "--frob"}, "unknown flag --frob"},
      {{"status", "a", "--frob"}, "unknown flag --frob"},
      {{"status", "a", "b"}, "unexpected b"},
      {{"status"}, "RUN_DIR is required"},
      {{"run"}, "--model is required"},
      {{"run", "--limit"}, "--limit"},
      {{"run", "--config", "/no/such.toml"}, "no such file"},
      {{"plan", "--model", "M", "--out", "R", "--dataset", "co/co=1"},
       "--dataset co/co=1"}};
  for (const auto& [words, expected] : cases) {
    const Answer answer = lens(words);
    EXPECT_EQ(answer.code, 2) << answer.error;
    EXPECT_THAT(answer.error, HasSubstr(expected));
    EXPECT_EQ(std::count(answer.error.begin(), answer.error.end(), '\n'), 1)
        << answer.error;
    EXPECT_EQ(answer.out, "");
  }
}

TEST(Program, ErrorsAreOneLineAndExit1) {
  for (const char* command : {"status", "merge", "verify"}) {
    const Answer answer = lens({command, "/no/such/run"});
    EXPECT_EQ(answer.code, 1);
    EXPECT_EQ(std::count(answer.error.begin(), answer.error.end(), '\n'), 1);
  }
  EXPECT_EQ(lens({"plan", "--model", "/no/such", "--out", "/no/such",
                  "--dataset", "mtvqa=/no/such"})
                .code,
            1);
}

class PlanCommand : public testing::Test {
 protected:
  PlanCommand() {
    write_latex_ocr(folder_ / "latex/test.parquet", {"a", "b", "c"},
                    small_png());
  }
  std::vector<std::string> words(const std::string& config) {
    std::ofstream(folder_ / "run.toml")
        << "model = '" << tiny_checkpoint().string() << "'\n"
        << "out = '" << (folder_ / "run").string() << "'\n"
        << "device = 'cpu'\nlimit = 2\ntokens = ['answer', 'question']\n"
        << config << "[dataset]\nlatex_ocr = '" << (folder_ / "latex").string()
        << "'\n";
    return {"plan", "--config", (folder_ / "run.toml").string()};
  }
  ScratchFolder folder_;
};

TEST_F(PlanCommand, ConfigFileGivesEveryFlagAndTheCommandLineWins) {
  std::vector<std::string> command =
      words("generation-config = true\nmax_new_tokens = 7\n");
  command.insert(command.end(), {"--limit", "1", "--tokens", "answer"});
  const Answer answer = lens(command);
  ASSERT_EQ(answer.code, 0) << answer.error;
  const storage::RunConfig config =
      storage::read_manifest(folder_ / "run/manifest.json").config;
  EXPECT_EQ(config.limit, 1);
  EXPECT_EQ(config.tokens, std::vector<std::string>{"answer"});
  EXPECT_EQ(config.max_new_tokens, 7);
  EXPECT_TRUE(config.generation_config);
}

TEST_F(PlanCommand, BadValueInTheConfigFileIsAUsageError) {
  EXPECT_EQ(lens(words("top_k = 'many'\n")).code, 2);
  EXPECT_EQ(lens(words("top_kk = 3\n")).code, 2);
}

TEST_F(PlanCommand, AnotherConfigForTheSameRunExits1) {
  ASSERT_EQ(lens(words("")).code, 0);
  EXPECT_EQ(lens(words("")).code, 0) << "the same again";
  const Answer answer = lens(words("top_k = 3\n"));
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.error, HasSubstr("top_k: 5 in the run directory, 3"));
}

TEST(Tokenize, AnswersLineByLineAsTheTokenizerDoes) {
  std::istringstream in("\"Hello world\"\n\"\"\n\"<|im_end|>\\n\"\n");
  std::ostringstream out;
  EXPECT_EQ(tokenize_command(tiny_checkpoint(), in, out), 0);
  const text::Tokenizer tokenizer = text::Tokenizer::load(tiny_checkpoint());
  std::string expected;
  for (const char* text : {"Hello world", "", "<|im_end|>\n"}) {
    expected += "[";
    for (const auto id : tokenizer.encode(text))
      expected += (expected.back() == '[' ? "" : ",") + std::to_string(id);
    expected += "]\n";
  }
  EXPECT_EQ(out.str(), expected);
}

TEST(Tokenize, LineThatIsNoJsonStringIsNamedByNumber) {
  std::istringstream in("\"a\"\n12\n\"b\"\n");
  std::ostringstream out;
  try {
    tokenize_command(tiny_checkpoint(), in, out);
    FAIL() << "accepted";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("line 2"));
  }
}

}  // namespace
}  // namespace lens::cli
