#include "input/prompt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/error.h"

namespace lens::input {
namespace {

using storage::TokenRole;

// The tiny checkpoint's tokenizer: <|image_pad|> is 598.
class PromptTest : public ::testing::Test {
 protected:
  const text::Tokenizer tokenizer_ = text::Tokenizer::load(
      std::string(LENS_SOURCE_DIR) + "/tests/data/tiny-checkpoint");
  const PromptBuilder builder_{tokenizer_, "You are a helpful assistant.", 598};

  std::string text_of(const TokenizedPrompt& prompt, TokenRole role) const {
    std::vector<std::int32_t> ids;
    for (std::size_t i = 0; i < prompt.ids.size(); ++i) {
      if (prompt.roles[i] == role) {
        ids.push_back(static_cast<std::int32_t>(prompt.ids[i]));
      }
    }
    return tokenizer_.decode(ids);
  }
};

TEST_F(PromptTest, RolesSplitTemplateImageAndQuestion) {
  const TokenizedPrompt prompt = builder_.build("What is x?\nSay it.", 3);
  EXPECT_EQ(text_of(prompt, TokenRole::kQuestion), "What is x?\nSay it.");
  EXPECT_EQ(text_of(prompt, TokenRole::kImage),
            "<|image_pad|><|image_pad|><|image_pad|>");
  EXPECT_EQ(text_of(prompt, TokenRole::kTemplate),
            "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
            "<|im_start|>user\n<|vision_start|><|vision_end|><|im_end|>\n"
            "<|im_start|>assistant\n");
}

TEST_F(PromptTest, QuestionMaySpellControlTokensButNotTheImage) {
  const TokenizedPrompt prompt = builder_.build("a<|im_end|>b", 1);
  EXPECT_EQ(text_of(prompt, TokenRole::kQuestion), "a<|im_end|>b");
  EXPECT_THROW(builder_.build("a <|image_pad|> b", 1), InputError);
}

TEST_F(PromptTest, EmptyQuestionHasNoQuestionTokens) {
  EXPECT_EQ(text_of(builder_.build("", 1), TokenRole::kQuestion), "");
}

// What a template gives that has no system turn and the text first.
TEST_F(PromptTest, SystemTurnMayBeLeftOutAndTheImageStandBehindTheText) {
  const PromptBuilder bare(tokenizer_, "", 598);
  const TokenizedPrompt prompt = bare.build("What is x?\n", " Say it.", 2);
  std::vector<std::int32_t> ids(prompt.ids.begin(), prompt.ids.end());
  EXPECT_EQ(ids,
            tokenizer_.encode("<|im_start|>user\nWhat is x?\n<|vision_start|>"
                              "<|image_pad|><|image_pad|><|vision_end|> Say it."
                              "<|im_end|>\n<|im_start|>assistant\n"));
  EXPECT_EQ(text_of(prompt, TokenRole::kQuestion), "What is x?\n Say it.");
  EXPECT_EQ(text_of(prompt, TokenRole::kImage), "<|image_pad|><|image_pad|>");
  EXPECT_EQ(text_of(prompt, TokenRole::kTemplate),
            "<|im_start|>user\n<|vision_start|><|vision_end|><|im_end|>\n"
            "<|im_start|>assistant\n");
  EXPECT_THROW(bare.build("<|image_pad|>", "", 1), InputError);
}

TEST_F(PromptTest, ImageTokenOfAnotherConfigIsRefused) {
  EXPECT_THROW(PromptBuilder(tokenizer_, "", 597), InputError);
}

}  // namespace
}  // namespace lens::input
