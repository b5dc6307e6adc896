// Answers questions of oracle_test.py, one JSON value a line, with what
// lens_data gives:
//   {"pairs": LITERAL}                      -> [[question, answer], ...] or
//                                              {"error": message}
//   {"rule": NAME, "answer": A, "references": [R]} -> score
//   {"kind": NAME, "answer": A, "reference": R} -> score

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "input/data/description.h"
#include "input/data/python_literal.h"
#include "input/data/score.h"

namespace {

using nlohmann::json;

json answer(const json& question) {
  if (question.contains("rule")) {
    return lens::data::score(
        lens::data::find_score_rule(question.at("rule").get<std::string>())
            .value(),
        question.at("answer").get<std::string>(),
        question.at("references").get<std::vector<std::string>>());
  }
  if (!question.contains("pairs")) {
    return lens::data::score(
        lens::data::preset(question.at("kind").get<std::string>()).score,
        question.at("answer").get<std::string>(),
        std::vector{question.at("reference").get<std::string>()});
  }
  try {
    json pairs = json::array();
    for (const auto& pair :
         lens::data::parse_qa_pairs(question.at("pairs").get<std::string>())) {
      pairs.push_back({pair.question, pair.answers.at(0)});
    }
    return pairs;
  } catch (const lens::InputError& error) {
    return {{"error", error.what()}};
  }
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::cout << answer(json::parse(line)).dump() << '\n';
  }
  return 0;
}
