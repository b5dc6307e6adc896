#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lens::data {

// How an answer is held against its references. docs/metrics.md has the
// definitions and where they come from.
enum class ScoreRule {
  // 1 when the reference, stripped and lower-cased, is a substring of the
  // answer, stripped, lower-cased and without "." (scripts/acc.py of MTVQA's
  // repository), else 0.
  kMtvqa,
  // 1 - Levenshtein distance / longer length, over code points after all white
  // space is removed; 1 when both are empty.
  kEdit,
  kContains,  // a reference is a substring of the answer
  kFormula,   // likewise, without spaces and with capitals
  kOcrBench,  // kFormula for its handwritten formulas, else kContains
  kExact,     // equal as they are
  kVqa,       // VQA accuracy as TextVQA has it
  kVqaV2,     // and as VQAv2 has it
  kAnls,      // DocVQA
  kRelaxed,   // ChartQA: numbers within 5 %
  kNone,      // no score
};

// The rule of a sample whose data set has `rule`. Its language is what the
// data set's language column says: of OCRBench the type of the question.
ScoreRule rule_of(ScoreRule rule, std::string_view language);

// In 0..1, of the best reference but for VQA accuracy, which counts them. NaN
// for kNone, for kOcrBench (ask rule_of() first) and without a reference.
float score(ScoreRule rule, std::string_view answer,
            std::span<const std::string> references);

struct ScoreName {
  std::string_view name;
  ScoreRule rule;
};
std::span<const ScoreName> score_names();
std::optional<ScoreRule> find_score_rule(std::string_view name);
std::string_view score_name(ScoreRule rule);

}  // namespace lens::data
