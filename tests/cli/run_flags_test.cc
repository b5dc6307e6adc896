#include "cli/run_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "cli/usage_error.h"

namespace lens::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

RunFlags parse(std::vector<std::string> words) {
  CLI::App app;
  RunFlags flags;
  add_run_flags(app, flags);
  std::reverse(words.begin(), words.end());
  app.parse(words);
  return flags;
}

PlanRequest request(std::vector<std::string> words) {
  for (const char* word : {"--model", "M", "--out", "R"})
    words.emplace_back(word);
  words.emplace_back("--dataset");
  words.emplace_back("latex_ocr=L");
  return plan_request(parse(words));
}

std::string refusal(const std::vector<std::string>& words) {
  try {
    request(words);
  } catch (const UsageError& error) {
    return error.what();
  } catch (const CLI::ValidationError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(RunFlags, TildeIsTheHomeInPathsAlone) {
  ASSERT_EQ(setenv("HOME", "/home/somebody", 1), 0);
  RunFlags flags =
      parse({"--model=~/M", "--out", "~", "--dataset", "mtvqa=~/a=b",
             "--dataset", "latex_ocr=x/~/y", "--prompt", "mtvqa=~/{question}"});
  const PlanRequest plan = plan_request(flags);
  EXPECT_EQ(plan.model, "/home/somebody/M");
  EXPECT_EQ(plan.run_directory, "/home/somebody");
  EXPECT_EQ(plan.datasets[0].path, "/home/somebody/a=b");
  EXPECT_EQ(plan.datasets[1].path, "x/~/y");
  EXPECT_EQ(plan.prompts.at("mtvqa"), "~/{question}");
  // Without HOME the password file knows.
  ASSERT_EQ(unsetenv("HOME"), 0);
  const std::string home = plan_request(flags).run_directory.string();
  EXPECT_TRUE(home.starts_with("/")) << home;
}

TEST(RunFlags, ImageStandsOnceInAPrompt) {
  EXPECT_EQ(request({"--prompt", "latex_ocr=a {image} b"}).prompts.size(), 1u);
  EXPECT_THAT(refusal({"--prompt", "latex_ocr={image}{image}"}),
              HasSubstr("at most once"));
}

TEST(RunFlags, DefaultsAreThoseOfTheContract) {
  const PlanRequest plan = request({});
  EXPECT_EQ(plan.split, "test");
  EXPECT_EQ(plan.max_new_tokens, 64);
  EXPECT_EQ(plan.top_k, 5);
  EXPECT_THAT(plan.tokens, ElementsAre("answer"));
  EXPECT_EQ(plan.limit, 0);
  EXPECT_EQ(plan.system_prompt, "You are a helpful assistant.");
  EXPECT_FALSE(plan.device || plan.dtype || plan.threads || plan.workers ||
               plan.min_pixels || plan.max_pixels || plan.unit_images);
  EXPECT_EQ(plan.tensor_parallel, 1);
  EXPECT_TRUE(parse({}).keep_parts);
}

TEST(RunFlags, DatasetsAreNameAndPath) {
  const PlanRequest plan =
      plan_request(parse({"--model", "M", "--out", "R", "--dataset",
                          "mtvqa=a=b.parquet", "--dataset", "latex_ocr=L"}));
  ASSERT_EQ(plan.datasets.size(), 2u);
  EXPECT_EQ(plan.datasets[0].name, "mtvqa");
  EXPECT_EQ(plan.datasets[0].path, "a=b.parquet");
  EXPECT_EQ(plan.datasets[1].name, "latex_ocr");
}

TEST(RunFlags, ListsTakeSpacesCommasAndRepeats) {
  const PlanRequest plan =
      request({"--language", "RU", "KR", "--language", "AR", "--tokens",
               "answer,question", "--save-hidden", "0,3-5"});
  EXPECT_THAT(plan.languages, ElementsAre("RU", "KR", "AR"));
  EXPECT_THAT(plan.tokens, ElementsAre("answer", "question"));
  EXPECT_THAT(plan.save_hidden, ElementsAre(0, 3, 4, 5));
  EXPECT_THAT(request({"--save-hidden", "all"}).save_hidden,
              ElementsAre(kAllStates));
}

TEST(RunFlags, AutoAndNumbersAreTold) {
  const PlanRequest plan =
      request({"--workers", "2", "--threads", "auto", "--unit-images", "7",
               "--device", "cpu", "--dtype", "bfloat16"});
  EXPECT_EQ(plan.workers, 2);
  EXPECT_FALSE(plan.threads);
  EXPECT_EQ(plan.unit_images, 7);
  EXPECT_EQ(plan.device, "cpu");
  EXPECT_EQ(plan.dtype, "bfloat16");
}

TEST(RunFlags, RanksOfAModelAreANumberOrAuto) {
  EXPECT_EQ(request({"--tensor-parallel", "4"}).tensor_parallel, 4);
  EXPECT_FALSE(request({"--tensor-parallel", "auto"}).tensor_parallel);
  EXPECT_THAT(refusal({"--tensor-parallel", "0"}),
              HasSubstr("--tensor-parallel: 0"));
}

TEST(RunFlags, SharedWeightsAreReadByEachOrOnce) {
  EXPECT_EQ(parse({}).read_weights, "");
  EXPECT_EQ(parse({"--read-weights", "auto"}).read_weights, "");
  EXPECT_EQ(parse({"--read-weights", "once"}).read_weights, "once");
  EXPECT_THAT(refusal({"--read-weights", "twice"}),
              HasSubstr("auto, each or once"));
}

TEST(RunFlags, KeepPartsCanBeTurnedOff) {
  EXPECT_FALSE(parse({"--no-keep-parts"}).keep_parts);
  EXPECT_FALSE(parse({"--keep-parts=false"}).keep_parts);
}

TEST(RunFlags, ValuesNoRunCouldHaveAreRefusedByName) {
  EXPECT_THAT(refusal({"--limit", "-3"}), HasSubstr("--limit: -3"));
  EXPECT_THAT(refusal({"--limit", "ten"}), HasSubstr("--limit: ten"));
  EXPECT_THAT(refusal({"--workers", "0"}), HasSubstr("--workers: 0"));
  EXPECT_THAT(refusal({"--device", "tpu"}), HasSubstr("auto, cpu or cuda"));
  EXPECT_THAT(refusal({"--dtype", "float16"}), HasSubstr("--dtype: float16"));
  EXPECT_THAT(refusal({"--tokens", "answers"}), HasSubstr("--tokens: answers"));
  EXPECT_THAT(refusal({"--top-k", "5x"}), HasSubstr("--top-k: 5x"));
  EXPECT_THAT(refusal({"--dataset", "mtvqa"}), HasSubstr("NAME=PATH"));
  EXPECT_THAT(refusal({"--dataset", "co/co=x"}),
              HasSubstr("a NAME of letters, digits, _ and -"));
  EXPECT_THAT(refusal({"--dataset", "layer=x"}), HasSubstr("a NAME of"));
  EXPECT_THAT(refusal({"--columns", "co=x"}), HasSubstr("NAME:image=COL"));
  EXPECT_THAT(refusal({"--columns", "co:picture=x"}),
              HasSubstr("NAME:image=COL"));
  EXPECT_THAT(refusal({"--columns", "co:id=x,id=y"}), HasSubstr("each once"));
  EXPECT_THAT(refusal({"--score", "co=best"}), HasSubstr("contains|exact|vqa"));
  EXPECT_THAT(refusal({"--question", "co="}), HasSubstr("NAME=TEXT"));
  EXPECT_THAT(refusal({"--dataset", "latex_ocr=x"}), HasSubstr("once"));
  EXPECT_THAT(refusal({"--prompt", "co.co=x"}), HasSubstr("--prompt co.co=x"));
  EXPECT_THAT(refusal({"--image", "grey"}), HasSubstr("keep or blank"));
  EXPECT_EQ(request({"--image", "blank"}).image, "blank");
  EXPECT_THAT(refusal({"--save-hidden", "5-3"}), HasSubstr("--save-hidden"));
  EXPECT_THAT(refusal({"--save-hidden", "5,x"}), HasSubstr("--save-hidden x"));
  EXPECT_EQ(refusal({"--limit", "3"}), "accepted");
}

TEST(RunFlags, NumbersAreWholeAndDecimal) {
  EXPECT_EQ(refusal({"--unit-images", "1.5"}),
            "--unit-images: 1.5 (a whole number from 1 to 1000000000 "
            "expected)");
  EXPECT_THAT(refusal({"--limit", "010"}), HasSubstr("--limit: 010"));
  EXPECT_THAT(refusal({"--top-k", "0x10"}), HasSubstr("--top-k: 0x10"));
  EXPECT_THAT(refusal({"--limit", "99999999999999999999"}),
              HasSubstr("a whole number from 0 up expected"));
  EXPECT_THAT(refusal({"--limit", ""}), HasSubstr("--limit"));
  EXPECT_THAT(refusal({"--workers", ""}), HasSubstr("--workers"));
}

TEST(RunFlags, DataSetsAreDescribedByName) {
  const PlanRequest plan = plan_request(parse(
      {"--model", "M", "--out", "R", "--dataset", "My-set_1=x", "--columns",
       "My-set_1:image=a b,answer=c=d", "--columns", "My-set_1:id=n",
       "--question", "My-set_1=What = this?", "--score", "My-set_1=anls"}));
  const data::Wishes& wishes = plan.wishes.at("My-set_1");
  EXPECT_EQ(wishes.columns,
            (std::map<std::string, std::string>{
                {"answer", "c=d"}, {"id", "n"}, {"image", "a b"}}));
  EXPECT_EQ(wishes.question, "What = this?");
  EXPECT_EQ(wishes.score, data::ScoreRule::kAnls);
}

TEST(RunFlags, RequiredOnesAreNamed) {
  EXPECT_THROW(plan_request(parse({"--out", "R"})), UsageError);
  EXPECT_THROW(plan_request(parse({"--model", "M", "--out", "R"})), UsageError);
}

}  // namespace
}  // namespace lens::cli
