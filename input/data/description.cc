#include "input/data/description.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "input/data/code_points.h"

namespace lens::data {
namespace {

constexpr const char* kWordOrPhrase =
    "{question}\nAnswer the question using a single word or phrase.";

// Columns, prompts and scores of the last five are those of lmms-eval.
const std::array kPresets = {
    Preset{"chartqa",
           {.columns = {"image", "question", "answer", "type", ""},
            .question = "",
            .prompt = "{question}\nAnswer the question with a single word.",
            .score = ScoreRule::kRelaxed}},
    Preset{"docvqa",
           {.columns = {"image", "question", "answers", "", "questionId"},
            .question = "",
            .prompt = kWordOrPhrase,
            .score = ScoreRule::kAnls}},
    Preset{"latex_ocr",
           {.columns = {"image", "", "text", "", ""},
            .question = "",
            .prompt = "Using LaTeX to perform OCR on the image.",
            .score = ScoreRule::kEdit,
            .answer_noun = "formula"}},
    Preset{"mtvqa",
           {.columns = {"image", "qa_pairs", "qa_pairs", "lang", ""},
            .question = "",
            .prompt = "{question}\nAnswer the question using a word or phrase "
                      "in the language of the question.",
            .score = ScoreRule::kMtvqa}},
    Preset{"ocrbench",
           {.columns = {"image", "question", "answer", "question_type", ""},
            .question = "",
            .prompt = "{question}",
            .score = ScoreRule::kOcrBench}},
    Preset{"textvqa",
           {.columns = {"image", "question", "answers", "", "question_id"},
            .question = "",
            .prompt = kWordOrPhrase,
            .score = ScoreRule::kVqa}},
    Preset{"vqav2",
           {.columns = {"image", "question", "answers", "", "question_id"},
            .question = "",
            .prompt = kWordOrPhrase,
            .score = ScoreRule::kVqaV2}},
};

}  // namespace

std::span<const Preset> presets() { return kPresets; }

const Description* find_preset(std::string_view name) {
  const auto found = std::ranges::find(kPresets, name, &Preset::name);
  return found == kPresets.end() ? nullptr : &found->description;
}

const Description& preset(std::string_view name) {
  if (const Description* const found = find_preset(name)) return *found;
  std::string names;
  for (const Preset& each : kPresets) {
    names.append(names.empty() ? "" : ", ").append(each.name);
  }
  throw InputError("unknown data set '" + one_line(name, 60) + "'", "",
                   "use one of " + names);
}

}  // namespace lens::data
