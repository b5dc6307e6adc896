// Answers questions of oracle_test.py, one JSON value a line, with what
// lens_data gives:
//   {"pairs": LITERAL}                      -> [[question, answer], ...] or
//                                              {"error": message}
//   {"kind": NAME, "answer": A, "reference": R} -> score

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "input/data/python_literal.h"
#include "input/data/score.h"

namespace {

using nlohmann::json;

json answer(const json& question) {
  if (!question.contains("pairs")) {
    return lens::data::score(
        lens::data::dataset_kind(question.at("kind").get<std::string>()),
        question.at("answer").get<std::string>(),
        question.at("reference").get<std::string>());
  }
  try {
    json pairs = json::array();
    for (const auto& pair :
         lens::data::parse_qa_pairs(question.at("pairs").get<std::string>())) {
      pairs.push_back({pair.question, pair.answer});
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
