#include "cli/plan_vocabulary.h"

#include "base/error.h"
#include "input/prompt.h"
#include "input/text/token_text.h"
#include "input/text/tokenizer.h"

namespace lens::cli {

void check_tokenizer(const Checkpoint& checkpoint,
                     const std::string& system_prompt) {
  const text::Tokenizer tokenizer = text::Tokenizer::load(checkpoint.folder);
  if (tokenizer.size() > checkpoint.vocab_size)
    throw InputError("the tokenizer does not fit the model",
                     "it has " + std::to_string(tokenizer.size()) +
                         " ids, config.json's vocab_size is " +
                         std::to_string(checkpoint.vocab_size),
                     "give the tokenizer files of this checkpoint");
  // For what it refuses.
  const input::PromptBuilder prompts(tokenizer, system_prompt,
                                     checkpoint.image_token_id);
}

storage::Vocabulary make_vocabulary(const std::filesystem::path& checkpoint,
                                    std::int64_t vocab_size) {
  const text::Tokenizer tokenizer = text::Tokenizer::load(checkpoint);
  storage::Vocabulary vocabulary;
  vocabulary.script_names = text::script_names();
  for (std::int64_t id = 0; id < vocab_size; ++id) {
    const auto token = static_cast<std::int32_t>(id);
    vocabulary.token_text.push_back(text::display_text(tokenizer, token));
    vocabulary.token_script.push_back(
        static_cast<std::uint8_t>(text::script_of(tokenizer, token)));
  }
  return vocabulary;
}

}  // namespace lens::cli
