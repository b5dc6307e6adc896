#include "input/data/score.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "input/data/code_points.h"
#include "input/data/lower_case.h"
#include "input/data/python_number.h"
#include "input/data/vqa_answer.h"

namespace lens::data {
namespace {

// Names of the command line and the manifest: they must not change.
constexpr ScoreName kScoreNames[] = {
    {"contains", ScoreRule::kContains}, {"exact", ScoreRule::kExact},
    {"vqa", ScoreRule::kVqa},           {"anls", ScoreRule::kAnls},
    {"relaxed", ScoreRule::kRelaxed},   {"edit", ScoreRule::kEdit},
    {"none", ScoreRule::kNone},         {"mtvqa", ScoreRule::kMtvqa},
    {"vqav2", ScoreRule::kVqaV2},       {"formula", ScoreRule::kFormula},
    {"ocrbench", ScoreRule::kOcrBench},
};

// Python's text.strip().
std::string stripped(std::string_view text) {
  const std::u32string points = code_points(text);
  std::u32string_view inside = points;
  while (!inside.empty() && is_space(inside.front())) inside.remove_prefix(1);
  while (!inside.empty() && is_space(inside.back())) inside.remove_suffix(1);
  return to_utf8(inside);
}

std::string stripped_lower(std::string_view text) {
  return lower_case(stripped(text));
}

float contains_reference(std::string_view answer, std::string_view reference) {
  std::string said = stripped_lower(answer);
  // The answer alone loses its dots: so does the data set's own script.
  std::erase(said, '.');
  return said.find(stripped_lower(reference)) != std::string::npos ? 1.0F
                                                                   : 0.0F;
}

std::u32string without_space(std::string_view text) {
  std::u32string points = code_points(text);
  std::erase_if(points, is_space);
  return points;
}

// Levenshtein distance with one row of the table in memory.
std::size_t edit_distance(std::u32string_view a, std::u32string_view b) {
  // A common beginning and a common end cost nothing, and near hits are the
  // usual case.
  const auto first = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  a.remove_prefix(static_cast<std::size_t>(first.first - a.begin()));
  b.remove_prefix(static_cast<std::size_t>(first.second - b.begin()));
  const auto last = std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend());
  a.remove_suffix(static_cast<std::size_t>(last.first - a.rbegin()));
  b.remove_suffix(static_cast<std::size_t>(last.second - b.rbegin()));

  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      // row[j + 1] is still of the line above, row[j] already of this one.
      const std::size_t substitute = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substitute, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

float edit_similarity(std::string_view answer, std::string_view reference) {
  const std::u32string a = without_space(answer);
  const std::u32string b = without_space(reference);
  const std::size_t longer = std::max(a.size(), b.size());
  if (longer == 0) return 1.0F;
  return static_cast<float>(1.0 - static_cast<double>(edit_distance(a, b)) /
                                      static_cast<double>(longer));
}

// Python's " ".join(text.strip().lower().split()).
std::u32string single_spaced_lower(std::string_view text) {
  const std::u32string points = code_points(stripped_lower(text));
  std::u32string out;
  bool gap = false;
  for (const char32_t point : points) {
    if (is_space(point)) {
      gap = true;
      continue;
    }
    if (gap && !out.empty()) out.push_back(U' ');
    gap = false;
    out.push_back(point);
  }
  return out;
}

// 1 - the normalised distance to the nearest reference; below a half nothing.
float anls(std::string_view answer, std::span<const std::string> references) {
  constexpr double kThreshold = 0.5;
  const std::u32string said = single_spaced_lower(answer);
  const std::size_t said_length = upper_case_length(answer);
  double nearest = std::numeric_limits<double>::infinity();
  for (const std::string& reference : references) {
    // The length is that of the texts as they came, capitalised.
    const std::size_t longer =
        std::max(upper_case_length(reference), said_length);
    const std::size_t distance =
        edit_distance(single_spaced_lower(reference), said);
    nearest = std::min(nearest, longer == 0 ? 0.0
                                            : static_cast<double>(distance) /
                                                  static_cast<double>(longer));
  }
  const double similarity = 1.0 - nearest;
  return similarity < kThreshold ? 0.0F : static_cast<float>(similarity);
}

// The mean over the people who were asked of how many of the others said so,
// three or more counting as one.
float vqa(VqaStyle style, std::string_view answer,
          std::span<const std::string> references) {
  const std::string said = vqa_answer(answer, style);
  const auto agreeing =
      std::ranges::count_if(references, [&](const std::string& reference) {
        return vqa_answer(reference, style) == said;
      });
  const auto count = [](auto number) { return static_cast<double>(number); };
  // Those who agree miss themselves among the others.
  const double of_agreeing = std::min(1.0, count(agreeing - 1) / 3.0);
  const double of_others = std::min(1.0, count(agreeing) / 3.0);
  const double people = count(references.size());
  const double sum = count(agreeing) * (agreeing > 0 ? of_agreeing : 0.0) +
                     (people - count(agreeing)) * of_others;
  return static_cast<float>(sum / people);
}

float relaxed(std::string_view answer, std::string_view reference) {
  constexpr double kMostChange = 0.05;
  const std::optional<double> said = python_number(answer);
  const std::optional<double> wanted = python_number(reference);
  if (said && wanted && *wanted != 0) {
    return std::abs(*said - *wanted) / std::abs(*wanted) <= kMostChange ? 1.0F
                                                                        : 0.0F;
  }
  return lower_case(answer) == lower_case(reference) ? 1.0F : 0.0F;
}

// Full-width letters and the ideographic space as their narrow forms, then
// Python's lower().strip().replace("\n", " ").
std::string narrow_lower(std::string_view text) {
  std::u32string points = code_points(text);
  for (char32_t& point : points) {
    if (point >= 0xFF01 && point <= 0xFF5E) point -= 0xFEE0;
    if (point == 0x3000) point = U' ';
  }
  std::string out = stripped(lower_case(to_utf8(points)));
  std::ranges::replace(out, '\n', ' ');
  return out;
}

float contains(std::string_view answer, std::string_view reference) {
  // The answer is stripped before it is narrowed as well.
  return narrow_lower(stripped(answer)).find(narrow_lower(reference)) !=
                 std::string::npos
             ? 1.0F
             : 0.0F;
}

// LaTeX may be written with spaces or without, but its capitals are others.
float contains_formula(std::string_view answer, std::string_view reference) {
  const auto closed_up = [](std::string_view text) {
    std::string out = stripped(text);
    std::erase_if(out, [](char c) { return c == '\n' || c == ' '; });
    return out;
  };
  return closed_up(answer).find(closed_up(reference)) != std::string::npos
             ? 1.0F
             : 0.0F;
}

float score_one(ScoreRule rule, std::string_view answer,
                std::string_view reference) {
  switch (rule) {
    case ScoreRule::kMtvqa:
      return contains_reference(answer, reference);
    case ScoreRule::kEdit:
      return edit_similarity(answer, reference);
    case ScoreRule::kContains:
      return contains(answer, reference);
    case ScoreRule::kFormula:
      return contains_formula(answer, reference);
    case ScoreRule::kExact:
      return answer == reference ? 1.0F : 0.0F;
    case ScoreRule::kRelaxed:
      return relaxed(answer, reference);
    default:
      return std::numeric_limits<float>::quiet_NaN();
  }
}

}  // namespace

ScoreRule rule_of(ScoreRule rule, std::string_view language) {
  if (rule != ScoreRule::kOcrBench) return rule;
  // The one type whose pictures are HME100K's.
  return language == "Handwritten Mathematical Expression Recognition"
             ? ScoreRule::kFormula
             : ScoreRule::kContains;
}

float score(ScoreRule rule, std::string_view answer,
            std::span<const std::string> references) {
  if (references.empty() || rule == ScoreRule::kNone ||
      rule == ScoreRule::kOcrBench) {
    return std::numeric_limits<float>::quiet_NaN();
  }
  switch (rule) {
    case ScoreRule::kAnls:
      return anls(answer, references);
    case ScoreRule::kVqa:
      return vqa(VqaStyle::kTextVqa, answer, references);
    case ScoreRule::kVqaV2:
      return vqa(VqaStyle::kVqaV2, answer, references);
    default:
      break;
  }
  float best = 0;
  for (const std::string& reference : references) {
    best = std::max(best, score_one(rule, answer, reference));
  }
  return best;
}

std::span<const ScoreName> score_names() { return kScoreNames; }

std::optional<ScoreRule> find_score_rule(std::string_view name) {
  const auto found = std::ranges::find(kScoreNames, name, &ScoreName::name);
  if (found == std::end(kScoreNames)) return std::nullopt;
  return found->rule;
}

std::string_view score_name(ScoreRule rule) {
  return std::ranges::find(kScoreNames, rule, &ScoreName::rule)->name;
}

}  // namespace lens::data
