#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/unit_result.h"
#include "worker/text/tokenizer.h"

namespace lens::worker {

// A prompt as the model reads it.
struct TokenizedPrompt {
  std::vector<std::int64_t> ids;
  std::vector<storage::TokenRole> roles;  // one for each id
};

// The Qwen2-VL chat template for one image and one text: system block, user
// turn with the image first, opened assistant turn.
class PromptBuilder {
 public:
  // Throws lens::InputError when the tokenizer has no control tokens, or its
  // <|image_pad|> is not `image_token_id`.
  PromptBuilder(const text::Tokenizer& tokenizer, std::string system_prompt,
                std::int64_t image_token_id);

  // The whole rendered template is tokenized at once, as Hugging Face does:
  // text that spells a control token becomes that token. Throws
  // lens::InputError when `user_text` spells the image token, which would be a
  // second image.
  TokenizedPrompt build(std::string_view user_text, int image_tokens) const;

 private:
  const text::Tokenizer& tokenizer_;
  std::int64_t image_token_id_;
  std::string before_text_;  // up to and with <|vision_end|>
  std::string after_text_;
  std::size_t before_tokens_;  // of before_text_, the image token counted once
  std::size_t after_tokens_;
};

}  // namespace lens::worker
