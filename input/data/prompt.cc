#include <nlohmann/json.hpp>
#include <string>

#include "input/data/dataset.h"

namespace lens::data {

std::string fill_prompt(std::string_view prompt_template,
                        std::string_view question) {
  constexpr std::string_view kSlot = "{question}";
  std::string prompt;
  prompt.reserve(prompt_template.size() + question.size());
  for (;;) {
    const std::size_t slot = prompt_template.find(kSlot);
    prompt.append(prompt_template.substr(0, slot));
    if (slot == std::string_view::npos) return prompt;
    prompt.append(question);
    // A question that spells the slot is not filled again.
    prompt_template.remove_prefix(slot + kSlot.size());
  }
}

std::string reference_text(const std::vector<std::string>& answers) {
  if (answers.empty()) return "";
  if (answers.size() == 1) return answers.front();
  return nlohmann::json(answers).dump();
}

std::string sample_id(const Description& description,
                      const std::string& row_key, int question) {
  std::string id = row_key;
  if (description.has_pairs()) {
    id.append(".").append(std::to_string(question));
  }
  return id;
}

}  // namespace lens::data
