#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "input/text/tokenizer.h"
#include "storage/unit_result.h"

namespace lens::input {

// A prompt as the model reads it.
struct TokenizedPrompt {
  std::vector<std::int64_t> ids;
  std::vector<storage::TokenRole> roles;  // one for each id
};

// Where the image stands in the text of a user's turn; without it before all.
inline constexpr std::string_view kImageSlot = "{image}";

// The chat template of Qwen2-VL and Qwen2.5-VL for one image and one text:
// system block, user turn with the image first, opened assistant turn.
class PromptBuilder {
 public:
  // An empty system prompt leaves the system block out. Throws
  // lens::InputError when the tokenizer has no control tokens, or its
  // <|image_pad|> is not `image_token_id`.
  PromptBuilder(const text::Tokenizer& tokenizer, std::string system_prompt,
                std::int64_t image_token_id);

  // The whole rendered template is tokenized at once, as Hugging Face does:
  // text that spells a control token becomes that token. The image stands
  // between `before_image`, which is usually empty, and `user_text`. Throws
  // lens::InputError when one of them spells the image token, which would be a
  // second image.
  TokenizedPrompt build(std::string_view before_image,
                        std::string_view user_text, int image_tokens) const;
  TokenizedPrompt build(std::string_view user_text, int image_tokens) const {
    return build("", user_text, image_tokens);
  }

 private:
  const text::Tokenizer& tokenizer_;
  std::int64_t image_token_id_;
  std::string before_text_;  // up to what the user says
  std::string after_text_;
  std::size_t before_tokens_;
  std::size_t after_tokens_;
};

}  // namespace lens::input
