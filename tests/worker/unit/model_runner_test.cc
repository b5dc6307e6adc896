#include "worker/model_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "input/prompt.h"

namespace lens::worker {
namespace {

using storage::SampleStatus;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::int64_t kImageTokenId = 598;
constexpr int kStates = 5;

// The tiny checkpoint on three samples: two questions about one picture, and
// one that was failed before it came here.
class ModelRunnerTest : public ::testing::Test {
 protected:
  ModelRunnerTest() {
    manifest_.model.path = checkpoint();
    manifest_.model.vocab_size = 608;
    manifest_.config.device = "cpu";
    manifest_.config.dtype = "float32";
    manifest_.config.max_new_tokens = 3;
  }

  static std::string checkpoint() {
    return LENS_SOURCE_DIR "/tests/data/tiny-checkpoint";
  }
  ModelRunner runner() const { return {manifest_, tokenizer_, "cpu"}; }

  PreparedUnit unit() const {
    PreparedUnit prepared;
    prepared.unit = {.index = 0,
                     .dataset = "mtvqa",
                     .row_begin = 0,
                     .row_end = 2,
                     .first_sample = 0,
                     .samples = 3};
    image::RgbImage picture{56, 56, {}};
    for (int i = 0; i < 56 * 56 * 3; ++i) {
      picture.pixels.push_back(static_cast<std::uint8_t>(i * 7));
    }
    prepared.images.push_back(
        image::fit_image(picture, image::PreprocessorConfig{}));
    for (const char* question : {"What is this?", "Who?"}) {
      const auto number = static_cast<std::int32_t>(prepared.samples.size());
      PreparedSample& sample = prepared.samples.emplace_back();
      sample.record.status = SampleStatus::kOk;
      sample.record.sample_id = "0." + std::to_string(number);
      sample.record.question_index = number;
      sample.prompt = prompts_.build(question, prepared.images[0].tokens(2));
      sample.image = 0;
    }
    PreparedSample& broken = prepared.samples.emplace_back();
    broken.record.status = SampleStatus::kFailed;
    broken.record.sample_id = "1.0";
    broken.record.source_row = 1;
    broken.record.failure = "its picture is broken";
    return prepared;
  }

  storage::Manifest manifest_;
  const text::Tokenizer tokenizer_ = text::Tokenizer::load(checkpoint());
  const input::PromptBuilder prompts_{tokenizer_, "", kImageTokenId};
};

TEST_F(ModelRunnerTest, EachSampleOfTheUnitIsAnsweredAndTold) {
  ModelRunner runner = this->runner();
  int finished = 0;
  std::vector<std::string> started;
  const storage::UnitResult result = runner.run(
      unit(), /*alone=*/false,
      {.cancelled = {},
       .samples_started =
           [&](std::span<const std::string> samples) {
             started.insert(started.end(), samples.begin(), samples.end());
           },
       .sample_finished = [&] { ++finished; }});
  EXPECT_EQ(finished, 2);
  EXPECT_THAT(started, ElementsAre("0.0", "0.1"));
  ASSERT_THAT(result.samples, SizeIs(3));
  for (int i : {0, 1}) {
    EXPECT_EQ(result.samples[i].status, SampleStatus::kOk)
        << result.samples[i].failure;
    EXPECT_GE(result.samples[i].answer_tokens, 1);
    EXPECT_LE(result.samples[i].answer_tokens, 3);
  }
  const auto& roles = result.tokens.get<"token_role">();
  EXPECT_EQ(std::ranges::count(
                roles, static_cast<std::uint8_t>(storage::TokenRole::kAnswer)),
            result.samples[0].answer_tokens + result.samples[1].answer_tokens);
}

TEST_F(ModelRunnerTest, SampleThatFailedBeforeStaysAsItIs) {
  ModelRunner runner = this->runner();
  const storage::UnitResult result = runner.run(unit(), false, {});
  ASSERT_THAT(result.samples, SizeIs(3));
  EXPECT_EQ(result.samples[2].status, SampleStatus::kFailed);
  EXPECT_EQ(result.samples[2].failure, "its picture is broken");
  EXPECT_EQ(result.samples[2].answer_tokens, 0);
}

TEST_F(ModelRunnerTest, AloneEachSampleIsNamedByItself) {
  ModelRunner runner = this->runner();
  std::vector<std::vector<std::string>> started;
  runner.run(unit(), /*alone=*/true,
             {.cancelled = {},
              .samples_started =
                  [&](std::span<const std::string> samples) {
                    started.emplace_back(samples.begin(), samples.end());
                  },
              .sample_finished = {}});
  EXPECT_THAT(started, ElementsAre(ElementsAre("0.0"), ElementsAre("0.1")));
}

TEST_F(ModelRunnerTest, CancelledUnitIsAbandonedAndTheNextIsDone) {
  ModelRunner runner = this->runner();
  int asked = 0;
  EXPECT_THROW(runner.run(unit(), false,
                          {.cancelled = [&] { return ++asked > 1; },
                           .samples_started = {},
                           .sample_finished = {}}),
               Abandoned);
  EXPECT_EQ(asked, 2);
  EXPECT_THAT(runner.run(unit(), false, {}).samples, SizeIs(3));
}

TEST_F(ModelRunnerTest, StateIsKeptForEachTokenWhereAskedFor) {
  manifest_.config.save_hidden = {0, kStates - 1};
  const storage::UnitResult result = runner().run(unit(), false, {});
  EXPECT_THAT(result.hidden_layer, ElementsAre(0, kStates - 1));
  EXPECT_EQ(result.tokens.widths.hidden_layers, 2);
  EXPECT_GT(result.tokens.widths.hidden_size, 0);
}

TEST_F(ModelRunnerTest, StateThatTheModelLacksIsRefused) {
  manifest_.config.save_hidden = {kStates};
  try {
    runner();
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the model has states 0 to 4"));
  }
}

TEST_F(ModelRunnerTest, UnknownDtypeIsRefused) {
  manifest_.config.dtype = "float16";
  EXPECT_THROW(runner(), InputError);
}

}  // namespace
}  // namespace lens::worker
