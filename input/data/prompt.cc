#include <string>

#include "base/error.h"
#include "input/data/code_points.h"
#include "input/data/dataset.h"

namespace lens::data {

DatasetKind dataset_kind(std::string_view name) {
  if (name == "mtvqa") return DatasetKind::kMtvqa;
  if (name == "latex_ocr") return DatasetKind::kLatexOcr;
  throw InputError("unknown data set '" + one_line(name, 60) + "'", "",
                   "use mtvqa or latex_ocr");
}

std::string default_prompt(DatasetKind kind) {
  if (kind == DatasetKind::kLatexOcr) {
    return "Using LaTeX to perform OCR on the image.";
  }
  return "{question}\nAnswer the question using a word or phrase in the "
         "language of the question.";
}

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

std::string sample_id(DatasetKind kind, std::int64_t row, int question) {
  std::string id = std::to_string(row);
  if (kind == DatasetKind::kMtvqa) {
    id.append(".").append(std::to_string(question));
  }
  return id;
}

}  // namespace lens::data
