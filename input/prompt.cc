#include "input/prompt.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace lens::input {

using storage::TokenRole;

PromptBuilder::PromptBuilder(const text::Tokenizer& tokenizer,
                             std::string system_prompt,
                             std::int64_t image_token_id)
    : tokenizer_(tokenizer), image_token_id_(image_token_id) {
  for (const char* token : {"<|im_start|>", "<|im_end|>", "<|vision_start|>",
                            "<|image_pad|>", "<|vision_end|>"}) {
    if (!tokenizer.id_of(token)) {
      throw InputError(
          "the checkpoint's tokenizer has no " + std::string(token),
          "the prompt needs it", "give the folder of a supported checkpoint");
    }
  }
  if (*tokenizer.id_of("<|image_pad|>") != image_token_id) {
    throw InputError(
        "config.json says image_token_id = " + std::to_string(image_token_id),
        "the tokenizer's <|image_pad|> is " +
            std::to_string(*tokenizer.id_of("<|image_pad|>")),
        "config and tokenizer do not belong together");
  }
  if (!system_prompt.empty()) {
    before_text_ =
        "<|im_start|>system\n" + std::move(system_prompt) + "<|im_end|>\n";
  }
  before_text_ += "<|im_start|>user\n";
  after_text_ = "<|im_end|>\n<|im_start|>assistant\n";
  // Control tokens cut the text before it is split into words, so these counts
  // hold whatever text stands between; a text that begins with line ends may
  // join the one before it, which is then a token of the template.
  before_tokens_ = tokenizer.encode(before_text_).size();
  after_tokens_ = tokenizer.encode(after_text_).size();
}

TokenizedPrompt PromptBuilder::build(std::string_view before_image,
                                     std::string_view user_text,
                                     int image_tokens) const {
  constexpr std::string_view kImage =
      "<|vision_start|><|image_pad|><|vision_end|>";
  std::string text = before_text_;
  text.append(before_image).append(kImage).append(user_text);
  // Tokenized with one <|image_pad|>, which then becomes as many as the image
  // has tokens: the same ids, without thousands of them in a text.
  const std::vector<std::int32_t> ids = tokenizer_.encode(text + after_text_);
  // A question may contain the token's name, which the tokenizer takes for it.
  if (std::count(ids.begin(), ids.end(), image_token_id_) != 1) {
    throw InputError("the text spells <|image_pad|>",
                     "it would stand for an image that is not there");
  }
  const std::size_t image = static_cast<std::size_t>(
      std::find(ids.begin(), ids.end(), image_token_id_) - ids.begin());
  TokenizedPrompt prompt;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i == image) {
      prompt.ids.insert(prompt.ids.end(), image_tokens, image_token_id_);
      prompt.roles.insert(prompt.roles.end(), image_tokens, TokenRole::kImage);
      continue;
    }
    // <|vision_start|> and <|vision_end|> stand right beside it.
    const bool frames_image = i + 1 == image || i == image + 1;
    const bool question =
        i >= before_tokens_ && !frames_image && i + after_tokens_ < ids.size();
    prompt.ids.push_back(ids[i]);
    prompt.roles.push_back(question ? TokenRole::kQuestion
                                    : TokenRole::kTemplate);
  }
  return prompt;
}

}  // namespace lens::input
